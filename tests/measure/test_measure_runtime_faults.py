"""Whatever a runtime raises becomes one line that ends in what to do."""

import pytest

from automl.errors import ConversionError, InfeasibleError, UsageError
from automl.measure.runtime_faults import answering_for
from automl.registry import RUNTIME


def fault(error, expected):
    with pytest.raises(expected) as raised, answering_for(RUNTIME.load("openvino")(), "open"):
        raise error
    assert raised.value.__cause__ is error or raised.value is error
    return str(raised.value)


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (
            ModuleNotFoundError("No module named 'openvino'"),
            UsageError,
            "OpenVINO is not installed; pip install 'automl-pareto[openvino]'",
        ),
        (
            ImportError("libtbb.so.12: cannot open\nshared object"),
            UsageError,
            "OpenVINO cannot be imported: libtbb.so.12: cannot open; pip install 'automl-pareto[openvino]'",
        ),
        (
            ValueError("no kernel for Mod.\nsee the log"),
            ConversionError,
            "OpenVINO cannot open the network: ValueError: no kernel for Mod; deploy model.onnx",
        ),
        (InfeasibleError("as it was"), InfeasibleError, "as it was"),
    ],
)
def test_each_fault_says_what_to_do(error, expected, words):
    assert fault(error, expected) == words


def test_ctrl_c_is_nobodys_fault():
    with pytest.raises(KeyboardInterrupt), answering_for(RUNTIME.load("cpu")(), "run"):
        raise KeyboardInterrupt
