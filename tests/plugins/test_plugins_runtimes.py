"""Every runtime that ships keeps the contract of automl.runtime, where it is installed."""

import subprocess
import sys

import pytest
from onnx import TensorProto, helper

from automl.registry import RUNTIME
from automl.testing import RuntimeContract
from automl_plugins.runtimes.openvino import OpenVino

SHIPPED = [name for name, each in RUNTIME.installed().items() if each.entry_point.value.startswith("automl_plugins.")]
CONTRACTS = {
    f"Test{name.title()}": type(f"Test{name.title()}", (RuntimeContract,), {"runtime": RUNTIME.load(name)()})
    for name in SHIPPED
}
globals().update(CONTRACTS)


def test_these_ship():
    assert {"cpu", "cuda", "executorch", "litert", "openvino"} <= set(SHIPPED)


def test_listing_the_runtimes_imports_none_of_their_libraries():
    script = (
        "import sys\n"
        "from automl.registry import RUNTIME\n"
        "for plugin in RUNTIME.installed().values():\n"
        "    plugin.load()\n"
        "    heavy = {'torch', 'numpy', 'onnx', 'onnxruntime', 'openvino', 'ai_edge_litert'} & sys.modules.keys()\n"
        "    assert not heavy, f'{plugin.entry_point.value} imports {heavy}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


INTERRUPTED = """
import faulthandler
import signal
import sys
from pathlib import Path

from automl_plugins.runtimes.openvino import OpenVino

faulthandler.enable()  # gives the thread a signal stack, as whatever runs tests or trials does
signal.signal(signal.SIGINT, signal.default_int_handler)
first, second = (OpenVino().open(Path(sys.argv[1]), threads=1) for _ in range(2))
del first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_networks_of_openvino_that_are_freed_in_any_order_leave_ctrl_c_alone(tmp_path):
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("image", "logits")]
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["logits"])], "relu", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    OpenVino().write(model.SerializeToString(), tmp_path)
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "model.xml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n"), ended.stderr
