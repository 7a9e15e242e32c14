"""A runtime that is ONNX Runtime with another provider needs a name and no method."""

import onnxruntime
import pytest

from automl.errors import UsageError
from automl.measure.plain_network import plain_network
from automl.onnx_runtime import OnnxRuntime


class Elsewhere(OnnxRuntime):
    name = "elsewhere"
    title = "ONNX Runtime elsewhere"
    install = "pip install onnxruntime-elsewhere"
    provider = "ElsewhereExecutionProvider"
    needs = "it needs luck"


def test_a_provider_that_this_installation_has_not_is_refused_with_what_installs_it():
    with pytest.raises(UsageError, match=r"runs on .*CPU, not on Elsewhere; pip install onnxruntime-elsewhere"):
        Elsewhere().session(plain_network(), threads=1)


@pytest.mark.filterwarnings("ignore:Specified provider 'ElsewhereExecutionProvider':UserWarning")  # ONNX Runtime's
def test_a_provider_that_does_not_start_is_refused_with_what_it_needs(monkeypatch):
    there_are = [*onnxruntime.get_available_providers(), Elsewhere.provider]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there_are)
    with pytest.raises(UsageError, match="was built for Elsewhere and could not start it: it needs luck"):
        Elsewhere().session(plain_network(), threads=1)


def test_its_lines_name_the_provider():
    assert 'InferenceSession("model.onnx", providers=["ElsewhereExecutionProvider"])' in Elsewhere().usage(
        "model.onnx", threads=1
    )
