"""Every runtime that ships keeps the contract of automl.runtime, where it is installed."""

import subprocess
import sys

from automl.registry import RUNTIME
from automl.testing import RuntimeContract

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
