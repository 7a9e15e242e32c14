"""A study states the versions of all that decides its figures, those of its target's runtime among them."""

from importlib.metadata import version

import pytest

from automl.core.target import Target
from automl.search.versions import library_versions


@pytest.mark.parametrize(("device", "distribution"), [("openvino", "openvino"), ("litert", "ai-edge-litert")])
def test_the_runtime_of_the_target_is_among_the_versions_and_no_other(device, distribution):
    if device == "litert":
        pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    usual = library_versions()
    assert {"python", "automl", "torch", "onnxruntime"} <= usual.keys()
    assert distribution not in usual
    assert library_versions(Target(device=device)) == {**usual, distribution: version(distribution)}
