"""What techniques say of the network that they would leave is what they leave."""

import copy

import pytest
import torch
from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.network.folding import fold_batch_norm
from automl.registry import TECHNIQUE
from automl.technique import Profile
from automl.testing.context import context, trained
from automl.testing.networks import CLASSES, NETWORKS, SHAPE, residual

SPARSITY = Profile(level=0.5, slope=0.2)
BITS = Profile(level=5, slope=2, low=2, high=8)
CHANNEL_PRUNERS = {"l1_norm": {"recovery_epochs": 0}, "agp": {"epochs": 1, "updates": 1, "recovery_epochs": 0}}
WEIGHT_PRUNERS = {"level": {}, "movement": {}, "linear": {"base": "level"}}
QUANTIZERS = ("ptq", "qat", "lsq", "lsq_plus")


class Averaged(nn.Module):
    """Each convolution is normalised over all of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(SHAPE.channels, 16, 3, stride=4, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(1, 16) for _ in range(2))
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(16 * 9, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = self.norms[0](self.stem(images))
        return self.classifier(self.flatten(self.norms[1](self.second(values))))


class Flattened(nn.Module):
    """A map that a linear layer reads pixel by pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(SHAPE.channels, 16, 3, stride=4, padding=1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(16 * 9, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(torch.relu(self.stem(images))))


def technique(name: str, fields: dict[str, object]):
    return TECHNIQUE.installed()[name].load().model_validate(fields)


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


@pytest.mark.parametrize("name", CHANNEL_PRUNERS)
@pytest.mark.parametrize("network", [*NETWORKS, Flattened])
def test_widths_are_those_that_pruning_leaves(name, network):
    pruner = technique(name, CHANNEL_PRUNERS[name])
    shrunk = pruner.shrunk(network(), SPARSITY, context())
    pruned = pruner.prune(network(), SPARSITY, context())
    assert shapes(shrunk) == shapes(pruned)
    assert shapes(shrunk) != shapes(network())
    assert shrunk.eval()(context().calibration[:2]).shape == (2, CLASSES)


def test_a_network_that_pruning_refuses_is_refused():
    pruner, given = technique("l1_norm", CHANNEL_PRUNERS["l1_norm"]), context()
    model = Averaged()
    with pytest.raises(InfeasibleError) as refused:
        pruner.prune(copy.deepcopy(model), SPARSITY, given)
    with pytest.raises(InfeasibleError) as shown:
        pruner.shrunk(model, SPARSITY, given)
    assert str(shown.value) == str(refused.value)


@pytest.mark.parametrize("name", WEIGHT_PRUNERS)
def test_single_weights_leave_the_shape(name):
    shrunk = technique(name, WEIGHT_PRUNERS[name]).shrunk(residual(), SPARSITY, context())
    assert shapes(shrunk) == shapes(residual())


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_tensors_get_the_same_grids(name, network):
    quantizer = technique(name, {} if name == "ptq" else {"epochs": 1})
    untrained = quantizer.untrained(
        fold_batch_norm(trained(network), context().calibration), BITS, context()
    ).quantization
    quantized = quantizer.quantize(
        fold_batch_norm(trained(network), context().calibration), BITS, context()
    ).quantization
    assert untrained.outputs.keys() == quantized.outputs.keys()
    assert untrained.weights.keys() == quantized.weights.keys()
    for layer, grid in quantized.weights.items():
        assert (untrained.weights[layer].bits, len(untrained.weights[layer].scale)) == (grid.bits, len(grid.scale))


def test_ranges_are_those_of_the_images():
    quantizer, model = technique("ptq", {}), fold_batch_norm(trained(residual), context().calibration)
    images = context().calibration[:2]
    outputs = quantizer.untrained(model, BITS, context()).quantization.outputs
    reached = model.get_submodule("stem.conv")(images)
    grid = outputs["stem.act"]
    assert grid.zero_point == 0
    assert grid.scale == pytest.approx(reached.max().item() / 255, rel=1e-5)


def test_a_learned_grid_ends_where_its_clamp_does():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(SHAPE.channels, 16, 3), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES)
    )
    with torch.no_grad():
        model[0].weight.mul_(20)  # most activations meet the clamp
    quantizer = technique("lsq", {"epochs": 2, "learning_rate": 0.02})
    grid = quantizer.quantize(model, BITS, context()).quantization.outputs["1"]
    assert grid.scale * 255 <= 6
