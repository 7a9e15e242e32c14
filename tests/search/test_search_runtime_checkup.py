"""A runtime that this host has not is named with what to install, and only a broken plugin fails the check."""

from types import SimpleNamespace

import pytest
from installed_plugins import also_installed

from automl.errors import PluginError
from automl.registry import RUNTIME
from automl.runtime import Runtime
from automl.search.checkup import checkup
from automl.search.runtime_checkup import runtimes_here


class Absent(Runtime):
    """Needs a package that nobody has."""

    name = "absent"
    title = "Absent"
    install = "pip install 'absent[all]'"
    distributions = ("absent-of-everybody",)

    def open(self, path, *, threads):
        raise NotImplementedError

    def usage(self, path, *, threads):
        raise NotImplementedError


class Failing(Absent):
    name = "failing"
    title = "Failing"
    distributions = ()

    def open(self, path, *, threads):  # noqa: ARG002 # it fails whatever it is given
        raise ZeroDivisionError("no kernels\nat all")


class Overwriting(Absent):
    name = "overwriting"
    files = ("model.onnx", "weights.bin")


class Recipe(Absent):
    name = "recipe"
    files = ("recipe.json",)


def test_what_runs_here_stands_with_its_version_and_the_rest_with_what_to_install():
    with also_installed(RUNTIME, Absent, Failing):
        here, _, lacking = runtimes_here().partition("; not here: ")
    assert "cpu (onnxruntime 1." in here
    assert "absent (pip install 'absent[all]')" in lacking
    assert "failing (Failing cannot open the network: ZeroDivisionError: no kernels; deploy model.onnx)" in lacking


def test_a_runtime_that_would_write_over_what_a_trial_keeps_is_refused_and_hides_no_other():
    with also_installed(RUNTIME, Overwriting, Recipe):
        assert "cpu (onnxruntime 1." in runtimes_here()
        for name, file in (("overwriting", "model.onnx"), ("recipe", "recipe.json")):
            with pytest.raises(PluginError, match=f"'{name}' of tests 1 would write over {file}"):
                RUNTIME.load(name)


def test_a_plugin_that_lacks_a_library_is_told_of_beside_one_that_is_broken(tmp_path):
    lacking = SimpleNamespace(name="lacking", __module__="no_such_library", __qualname__="Lacking")
    with also_installed(RUNTIME, Recipe, lacking):
        (found,) = [check for check in checkup(str(tmp_path)) if check.name == "plugins"]
    assert not found.is_ok
    assert "2 of " in found.finding
    assert "'recipe' of tests 1 would write over recipe.json" in found.finding
    assert "'lacking' of tests 1 cannot be imported: ModuleNotFoundError" in found.finding
