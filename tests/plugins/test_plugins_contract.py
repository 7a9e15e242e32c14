"""Every technique that ships keeps the contract of automl.technique, whatever it does."""

import subprocess
import sys

import pytest

from automl.network.handed_over import hand_over
from automl.registry import TECHNIQUE
from automl.technique import Technique
from automl.testing import TechniqueContract, networks

SHIPPED = [
    name for name, plugin in TECHNIQUE.installed().items() if plugin.entry_point.value.startswith("automl_plugins.")
]
REQUIRED = {
    "given": {"network": hand_over(networks.plain())},
    "python": {"target": "automl.testing.networks:plain"},
    "torchvision": {"model": "resnet18"},
}
CHANNELS = {"linear", "attention"}
COLOUR = {"1x1x1", "1x8x8"}
GRIDS = {"attention", "branching"}
REFUSED = {
    **dict.fromkeys(("agp", "fpgm", "l1_norm", "l2_norm", "linear", "slim", "taylor_fo_weight"), CHANNELS),
    **dict.fromkeys(("lsq", "lsq_plus", "ptq", "qat", "kmeans", "dorefa"), GRIDS),
    "bnn": {*GRIDS, "depthwise"},
    "adaptive1d_layerwise": {"fully_convolutional"},
    **dict.fromkeys(("given", "python", "torchvision"), COLOUR),
}
"""What each technique cannot handle: a wrong refusal would hide what no longer works."""


def technique(name: str) -> Technique:
    """Give a technique with one epoch for whatever it trains: the contract is about form, not accuracy."""
    kind = TECHNIQUE.installed()[name].load()
    epochs = {field: 1 for field in kind.model_fields if field.endswith("epochs")}
    return kind.model_validate({**epochs, **REQUIRED.get(name, {})})


CONTRACTS = {
    name: type(f"Test{name.title().replace('_', '')}", (TechniqueContract,), {"technique": technique(name)})
    for name in SHIPPED
}
globals().update({contract.__name__: contract for contract in CONTRACTS.values()})


@pytest.mark.parametrize("name", SHIPPED)
def test_only_what_is_known_not_to_fit_is_refused(name):
    refusals = CONTRACTS[name]().refusals()
    assert refusals.keys() == REFUSED.get(name, set())
    for reason in refusals.values():
        assert "\n" not in reason
        assert "; " in reason, "what to do next"


def test_listing_the_techniques_imports_neither_torch_nor_nni():
    script = (
        "import sys\n"
        "from automl.registry import TECHNIQUE\n"
        "for plugin in TECHNIQUE.installed().values():\n"
        "    plugin.load()\n"
        "    heavy = {'torch', 'nni', 'numpy'} & sys.modules.keys()\n"
        "    assert not heavy, f'{plugin.entry_point.value} imports {heavy}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
