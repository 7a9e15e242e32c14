"""A module that hands on its input as it is changes nothing about what is quantized, whichever class it has."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from automl.core.quantization import ActivationQuantization
from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.pipeline.simulation import simulated_logits
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Profile, QuantizedModel, Quantizer, Stage
from automl.testing.context import NORMALIZATION, context, split
from automl.testing.networks import CLASSES, SHAPE, Add
from automl_plugins.quantizers._passing_modules import hands_on
from automl_plugins.quantizers._quantized_tensors import ActivationScheme, activation_grids

BITS = Profile(level=8, high=8)
QUANTIZERS = [
    name
    for name, plugin in TECHNIQUE.installed().items()
    if plugin.load().stage is Stage.QUANTIZER and name != "float16"
]


class OwnIdentity(nn.Module):
    """What people write where they do not know of nn.Identity."""

    def forward(self, values: Tensor) -> Tensor:
        return values


class OwnStack(nn.Module):
    """A container that runs what it is given, which may be nothing."""

    def forward(self, values: Tensor) -> Tensor:
        for module in self.children():
            values = module(values)
        return values


class Doubling(nn.Identity):
    """The name of its base class says nothing of it."""

    def forward(self, values: Tensor) -> Tensor:
        return values * 2


class Residual(nn.Module):
    """A block with an identity shortcut, and something between each layer and its activation.

    Args:
        passing: Makes the shortcut and what stands between.
    """

    def __init__(self, passing: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.stem, self.norm0, self.act0 = nn.Conv2d(SHAPE.channels, 8, 3, padding=1), passing(), nn.ReLU()
        self.first, self.norm1, self.act1 = nn.Conv2d(8, 8, 3, padding=1), passing(), nn.ReLU()
        self.second, self.norm2 = nn.Conv2d(8, 8, 3, padding=1), passing()
        self.shortcut, self.add, self.act = passing(), Add(), nn.ReLU()
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier, self.last = nn.Linear(8, CLASSES), passing()

    def forward(self, images: Tensor) -> Tensor:
        stem = self.act0(self.norm0(self.stem(images)))
        block = self.norm2(self.second(self.act1(self.norm1(self.first(stem)))))
        joined = self.act(self.add(block, self.shortcut(stem)))
        logits: Tensor = self.last(self.classifier(self.flatten(self.pool(joined))))
        return logits


PASSING: list[Callable[[], nn.Module]] = [
    nn.Identity,
    nn.Sequential,
    nn.Dropout,
    nn.Dropout2d,
    OwnIdentity,
    OwnStack,
    lambda: StochasticDepth(0.5, "row"),
]
each_kind = pytest.mark.parametrize(
    "passing", PASSING, ids=["identity", "sequential", "dropout", "dropout2d", "own", "stack", "stochastic depth"]
)


@each_kind
@pytest.mark.parametrize("training", [True, False])
def test_module_that_hands_on_is_recognised_in_either_mode(passing, training):
    assert hands_on(passing().train(training))


@pytest.mark.parametrize(
    "module", [nn.ReLU(), nn.Sequential(nn.Identity()), Doubling(), nn.PReLU(), nn.Softmax2d(), nn.Linear(2, 2)]
)
def test_module_that_may_change_its_input_is_not_looked_through(module):
    assert not hands_on(module)


def test_hook_may_change_what_a_module_hands_on():
    identity = nn.Identity()
    identity.register_forward_hook(lambda _module, _inputs, output: output * 2)
    assert not hands_on(identity)


@each_kind
@pytest.mark.parametrize("scheme", ActivationScheme)
def test_grids_are_those_of_the_network_without_it(passing, scheme):
    grids = {grid["op_names"][0]: grid["quant_dtype"] for grid in activation_grids(Residual(passing), scheme)}
    signed = "int8" if scheme is ActivationScheme.SYMMETRIC else "uint8"
    assert grids == {"act0": "uint8", "act1": "uint8", "second": signed, "act": "uint8", "pool": "uint8"}


def test_subclass_of_relu_is_not_taken_for_one():
    """It may give values below zero, and the runtime fuses no more than a ReLU into a layer."""

    class Shifted(nn.ReLU):
        def forward(self, values: Tensor) -> Tensor:
            return super().forward(values) - 1

    model = nn.Sequential(nn.Conv2d(3, 8, 3), Shifted(), nn.Conv2d(8, CLASSES, 3), nn.Flatten())
    grids = {grid["op_names"][0]: grid["quant_dtype"] for grid in activation_grids(model, ActivationScheme.SYMMETRIC)}
    assert grids["1"] == "int8"
    assert "0" in grids


def quantize(name: str, model: nn.Module) -> QuantizedModel:
    kind = technique_class(name, Stage.QUANTIZER)
    used = kind.model_validate({field: 1 for field in kind.model_fields if field == "epochs"})
    assert isinstance(used, Quantizer)
    used.check(used.prepared(model, context().calibration), BITS, context())
    return used.quantize(used.prepared(model, context().calibration), BITS, context())


def largest_gap(result: QuantizedModel, folder) -> float:
    """Give the largest difference of file and simulation, in parts of the spread of the logits."""
    path, images = folder / "model.onnx", split().images
    export_onnx(result.model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=result.quantization)
    expected = simulated_logits(result.model, result.quantization, images, NORMALIZATION)
    return float(abs(predict(path, images) - expected).max() / expected.std())


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_takes_an_empty_sequential_as_shortcut(name, tmp_path):
    result = quantize(name, Residual(nn.Sequential))
    assert result.quantization.outputs.keys() == {"act0", "act1", "second", "act", "pool"}
    assert largest_gap(result, tmp_path) < 0.05


class OddNames(nn.Module):
    """Names that NNI uses itself, names that begin alike, a module under two names, and containers of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Conv2d(SHAPE.channels, 8, 3), nn.ReLU(inplace=True)
        self.module, self.module1, self.module11 = nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3)
        self.alias, self.alias_of_bias = self.module1, self.bias
        self.nothing, self.none = nn.ModuleList(), nn.ModuleDict()
        self.scale, self.target, self.config = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = self.bias(self.module(self.bias(self.weight(images))))
        values = self.alias_of_bias(self.module11(self.bias(self.alias(values))))
        logits: Tensor = self.config(self.target(self.scale(values)))
        return logits


@pytest.mark.parametrize("name", QUANTIZERS)
def test_no_name_of_a_module_is_in_the_way(name, tmp_path):
    result = quantize(name, OddNames())
    assert result.quantization.weights.keys() == {"weight", "module", "module1", "module11", "config"}
    assert largest_gap(result, tmp_path) < 0.05


class RunsTwice(nn.Module):
    """A layer that an activation follows at one place and none at the other."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.again, self.act = nn.Conv2d(SHAPE.channels, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()
        self.pool, self.flatten, self.classifier = nn.AvgPool2d(2), nn.Flatten(), nn.Linear(200, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = self.act(self.again(self.act(self.stem(images))))
        logits: Tensor = self.classifier(self.flatten(self.pool(self.again(values))))
        return logits


@pytest.mark.parametrize("name", QUANTIZERS)
def test_layer_that_runs_twice_has_its_grid_at_both_places(name, tmp_path):
    result = quantize(name, RunsTwice())
    assert {"again", "act"} <= result.quantization.outputs.keys()
    assert largest_gap(result, tmp_path) < 0.1


def test_grid_of_a_layer_holds_before_an_activation_too(tmp_path):
    """Where one grid ends lower than the other, rounding to the activation's alone gives other values."""
    model, quantization = quantize("ptq", RunsTwice())
    again = quantization.outputs["again"]
    quantization.outputs["again"] = ActivationQuantization(again.scale / 8, again.zero_point)
    assert largest_gap(QuantizedModel(model, quantization), tmp_path) < 0.1


@pytest.mark.parametrize("scheme", ActivationScheme)
def test_pool_that_runs_on_both_signs_has_a_grid_for_both(scheme):
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.act, self.pool = nn.Conv2d(SHAPE.channels, 8, 3), nn.ReLU(), nn.AvgPool2d(2)
            self.second, self.classifier = nn.Conv2d(8, 8, 1), nn.Linear(8 * 4, CLASSES)

        def forward(self, images: Tensor) -> Tensor:
            values = self.pool(self.second(self.pool(self.act(self.conv(images)))))
            logits: Tensor = self.classifier(torch.flatten(values, 1))
            return logits

    grids = {grid["op_names"][0]: grid["quant_dtype"] for grid in activation_grids(Pooled(), scheme)}
    assert grids["pool"] == ("int8" if scheme is ActivationScheme.SYMMETRIC else "uint8")
