"""The runtime that plugins/README.md shows is, once it is installed, a target and a format like those that ship."""

import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import write_space

from automl.cli.main import main
from automl.engines import ray_engine
from automl.engines.inline_engine import run_inline
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.plugins import forget_installed
from automl.search import run

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "plugins" / "README.md"


def run_trials(session, store, dataset, request):
    """Stand in for Ray: the same session and store, in one process."""
    torch.set_num_threads(1)
    cache = ray_engine._cache(os.path.abspath(request.store), request.cache_limit_bytes)  # noqa: PTH100
    meter = LatencyMeter(request.target)
    run_inline(session, TrialRunner(store.spec, dataset, store, meter, torch.device("cpu"), cache))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Install the example, and a runtime whose module does not load, as pip would; give the folder."""
    target = tmp_path_factory.mktemp("installed")
    (source,) = re.findall(r"```python\n(# my_runtime\.py\n.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (target / "my_runtime.py").write_text(source)
    (target / "torn_runtime.py").write_text("import nothing_of_this_name\n")
    info = target / "evaluator-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: evaluator\nVersion: 3.1\n")
    points = "[automl.runtimes]\nevaluator = my_runtime:Evaluator\ntorn = torn_runtime:Torn\n"
    (info / "entry_points.txt").write_text(points)
    return target


@pytest.fixture(scope="module")
def automl(package, tmp_path_factory):
    """Run a command where the package is installed and a study was searched for its runtime."""

    def automl(*arguments, code=0):
        written, told, ended = StringIO(), StringIO(), 0
        patch.setattr(sys, "argv", ["automl", *arguments])
        with redirect_stdout(written), redirect_stderr(told):
            try:
                main()
            except SystemExit as end:
                ended = end.code or 0
        assert ended == code, told.getvalue()
        return written.getvalue() or told.getvalue()

    folder = tmp_path_factory.mktemp("study")
    write_space(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("AUTOML_STORE", raising=False)
        patch.setenv("COLUMNS", "500")
        patch.setattr(sys, "path", [str(package), *sys.path])
        patch.setattr(run, "_run_trials", run_trials)
        forget_installed()
        target = ["--sampler", "random", "--target", "evaluator:1:1"]
        assert json.loads(automl("search", "tiny.yaml", "--budget", "2", *target, "--json"))["trials"] == 2
        yield automl
    forget_installed()


def member(automl):
    return json.loads(automl("pareto", "tiny", "--json"))[0]


def test_its_rows_are_of_its_files_and_state_its_version(automl):
    for row in json.loads(automl("trials", "tiny", "--json")):
        assert row["state"] == "COMPLETE"
        assert row["metric.latency_ms"] > 0
        assert row["versions.onnx"] == version("onnx")
    shown = automl("show", "tiny", "0")
    assert "evaluator:1" in shown
    assert "convert" in shown, "the fidelity of the conversion has a line"


def test_its_export_is_what_was_measured_and_its_lines_run(automl, tmp_path):
    row = member(automl)
    text = automl("export", "tiny", str(row["number"]), "-o", str(tmp_path))
    assert (tmp_path / "plain.onnx").stat().st_size == row["metric.size_bytes"]
    found = {"pixels": np.zeros((2, 1, 8, 8), dtype=np.uint8)}
    exec(text[text.index("from onnx") :], found)  # noqa: S102 # the printed words are what is tested
    assert found["logits"].shape == (2, 10)
    text = automl("export", "tiny", str(row["number"]), "-o", str(tmp_path / "onnx"), "--format", "onnx")
    assert "figures of the trial are those of plain.onnx in ONNX's evaluator" in text


def test_it_is_listed_among_the_targets_and_by_doctor(automl):
    assert "devices cpu, cuda, evaluator, litert, openvino;" in automl("search", "tiny.yaml", "--target", "x", code=2)
    refusal = automl("export", "tiny", "0", "-o", "x", "--format", "onx", code=2)
    assert "'onx' is none of onnx, cpu, cuda, evaluator, executorch, litert, openvino, torn" in refusal
    checks = {check["name"]: check["finding"] for check in json.loads(automl("doctor", "--json"))}
    assert f"evaluator (onnx {version('onnx')})" in checks["runtimes"]
    assert "runtime 'torn' of evaluator 3.1 cannot be imported" in checks["plugins"]
    described = automl("plugins", "evaluator")
    assert "ONNX's own evaluator: NumPy" in described
    assert "plain.onnx" in described


@pytest.mark.parametrize(
    "arguments", [["search", "tiny.yaml", "--target", "torn"], ["export", "tiny", "0", "-o", "x", "--format", "torn"]]
)
def test_a_broken_runtime_hurts_only_who_chooses_it(arguments, automl):
    refusal = automl(*arguments, code=2)
    assert "runtime 'torn' of evaluator 3.1 cannot be imported: ModuleNotFoundError" in refusal
    assert "pip install --force-reinstall evaluator" in refusal
    assert refusal.count("\n") == 1


def test_without_its_package_the_onnx_file_can_still_be_exported(automl, package, tmp_path):
    number = str(member(automl)["number"])
    (package / "evaluator-3.1.dist-info").rename(package / "gone")
    forget_installed()
    try:
        automl("export", "tiny", number, "-o", str(tmp_path / "onnx"), "--format", "onnx")
        refusal = automl("export", "tiny", number, "-o", str(tmp_path), code=2)
    finally:
        (package / "gone").rename(package / "evaluator-3.1.dist-info")
        forget_installed()
    assert "unknown runtime 'evaluator'" in refusal
    assert "--format onnx hands out the ONNX file without it" in refusal
