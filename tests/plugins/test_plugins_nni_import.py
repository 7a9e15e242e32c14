"""Importing NNI through the plugins leaves Python, torch and the terminal as they were."""

import subprocess
import sys

import pytest

SCRIPT = """
import torch
from torch.fx.immutable_collections import immutable_dict, immutable_list
from torch.utils import _pytree as pytree

import automl_plugins.nni.compression

paths, spec = pytree.tree_flatten_with_path({"a": immutable_dict(b=1, c=immutable_list([2, 3]))})
assert [pytree.keystr(path) for path, _ in paths] == ["['a']['b']", "['a']['c'][0]", "['a']['c'][1]"], paths
assert pytree.tree_unflatten([leaf for _, leaf in paths], spec) == {"a": {"b": 1, "c": [2, 3]}}
assert pytree.treespec_loads(pytree.treespec_dumps(spec)) == spec

class Pair(torch.nn.Module):
    def forward(self, given):
        return {"sum": given["x"] + given["y"]}

given = {"x": torch.ones(2), "y": torch.ones(2)}
exported = torch.export.export(Pair(), (given,))
assert torch.equal(exported.module()(given)["sum"], torch.full((2,), 2.0))
"""


@pytest.fixture(scope="module")
def ended() -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)


def test_torch_still_exports_and_flattens_with_paths(ended):
    assert ended.returncode == 0, ended.stderr


def test_nothing_is_printed(ended):
    assert ended.stdout == ""
    assert ended.stderr == ""
