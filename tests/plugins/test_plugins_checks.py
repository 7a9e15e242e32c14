"""What NNI would stumble over is refused before training, and what it only does not know by name works."""

import pytest
from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.pipeline.simulation import simulated_logits
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Profile, Quantizer, Stage
from automl.testing.context import NORMALIZATION, context, split
from automl.testing.networks import CLASSES, SHAPE, plain

QUANTIZERS = [
    name
    for name, plugin in TECHNIQUE.installed().items()
    if plugin.load().stage is Stage.QUANTIZER and name != "float16"  # it quantizes no activation
]
BITS = Profile(level=8, high=8)
PIXELS = SHAPE.height * SHAPE.width


class OwnConv2d(nn.Conv2d):
    """A layer of a class that NNI does not know."""


class OwnLinear(nn.Linear):
    """A layer of a class that NNI does not know."""


class Sequence(nn.Module):
    """A linear layer over a vector for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten(2)
        self.mix = nn.Linear(PIXELS, 8)
        self.rest = nn.Sequential(nn.Flatten(), nn.Linear(8 * SHAPE.channels, CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        return self.rest(self.mix(self.flatten(images)))


class Recurrent(nn.Module):
    """A layer that gives its answer with its state."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten(2)
        self.recurrent = nn.GRU(PIXELS, 8, batch_first=True)
        self.classifier = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        answer, _ = self.recurrent(self.flatten(images))
        return self.classifier(answer.mean(1))


def own_layers() -> nn.Module:
    convolutions = (OwnConv2d(SHAPE.channels, 16, 3), nn.ReLU(), OwnConv2d(16, 16, 3), nn.ReLU())
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), OwnLinear(16, CLASSES))


def quantizer(name: str) -> Quantizer:
    kind = technique_class(name, Stage.QUANTIZER)
    made = kind.model_validate({field: 1 for field in kind.model_fields if field == "epochs"})
    assert isinstance(made, Quantizer)
    return made


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Sequence(), "linear layer 'mix' runs over 2 dimensions an image, .*; flatten its input"),
        (Recurrent(), r"module 'recurrent' \(GRU\) gives a tuple, not one tensor"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "neither a convolution nor a linear layer"),
    ],
    ids=["sequence", "recurrent", "no weights"],
)
def test_every_quantizer_refuses_what_has_no_grid(name, network, reason):
    used = quantizer(name)
    with pytest.raises(InfeasibleError, match=reason):
        used.check(used.prepared(network, context().calibration), BITS, context())


class StandardisedConv2d(nn.Conv2d):
    """Multiplies with a weight that it computes at each call."""

    def forward(self, values: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(values, weight, self.bias)


class PaddingConv2d(nn.Conv2d):
    """Does something of its own, and multiplies with its weight as it stands."""

    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.conv2d(nn.functional.pad(values, (0, 1, 0, 1)), self.weight, self.bias)


def with_stem(stem: nn.Module) -> nn.Module:
    return nn.Sequential(stem, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES))


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_refuses_a_weight_that_is_computed_at_each_call(name):
    used, images = quantizer(name), context().calibration
    reason = r"layer '0' \(.*Conv2d\) computes its weight anew at each call"
    parametrized = nn.utils.parametrizations.weight_norm(nn.Conv2d(SHAPE.channels, 8, 3))
    for stem in (StandardisedConv2d(SHAPE.channels, 8, 3), parametrized):
        with pytest.raises(InfeasibleError, match=reason):
            used.check(used.prepared(with_stem(stem), images), BITS, context())
    used.check(used.prepared(with_stem(PaddingConv2d(SHAPE.channels, 8, 3)), images), BITS, context())


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.act = nn.Conv2d(SHAPE.channels, 8, 3), nn.ReLU()
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.second.weight = self.first.weight
        self.pool, self.flatten, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = self.act(self.second(self.act(self.first(self.act(self.stem(images))))))
        return self.classifier(self.flatten(self.pool(values)))


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_takes_layers_with_one_weight(name, tmp_path):
    used, images = quantizer(name), context().calibration
    used.check(used.prepared(Tied(), images), BITS, context())
    model, quantization = used.quantize(used.prepared(Tied(), images), BITS, context())
    path = tmp_path / "model.onnx"
    export_onnx(model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
    expected = simulated_logits(model, quantization, split().images, NORMALIZATION)
    assert abs(predict(path, split().images) - expected).max() < 0.1 * expected.std()


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_sees_layers_of_derived_classes(name):
    used = quantizer(name)
    used.check(used.prepared(own_layers(), context().calibration), BITS, context())
    found = used.quantize(used.prepared(own_layers(), context().calibration), BITS, context()).quantization
    assert found.weights.keys() == {"0", "2", "6"}


@pytest.mark.parametrize("name", ["level", "movement"])
def test_single_weights_of_derived_classes_are_pruned(name):
    pruner = technique_class(name).model_validate({"recovery_epochs": 0})
    pruned = pruner.prune(own_layers(), Profile(level=0.5), context())
    for layer in ("0", "2", "6"):
        zeros = (pruned.get_submodule(layer).weight == 0).float().mean()
        assert float(zeros) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", ["level", "movement", "agp"])
def test_network_without_weights_is_not_pruned_silently(name):
    fields = {"base": "level"} if name == "agp" else {}
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(InfeasibleError, match="no weights to prune; leave the pruner out"):
        technique_class(name).model_validate(fields).check(network, Profile(level=0.5), context())


def test_group_that_loses_nothing_is_no_reason_to_refuse():
    """Only what is asked has to be possible: at a share of zero all channels stay, and so do those of the logits."""
    network = nn.Sequential(plain()[0], nn.Conv2d(16, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pruner = technique_class("l1_norm").model_validate({})
    pruner.check(network, Profile(level=0.25, slope=-0.25), context())
    with pytest.raises(InfeasibleError, match="makes the logits"):
        pruner.check(network, Profile(level=0.25, slope=0.25), context())


def frozen(*names: str) -> nn.Module:
    """Give the plain network with these parameters frozen, or with all where none is named."""
    model = plain()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(bool(names) and name not in names)
    return model


def first_weight() -> str:
    return next(name for name, module in plain().named_modules() if isinstance(module, nn.Conv2d))


@pytest.mark.parametrize("name", ["taylor_fo_weight", "movement"])
def test_a_pruner_that_watches_training_refuses_frozen_weights_by_name(name):
    pruner, layer = technique_class(name)(), first_weight()
    pruner.check(frozen("no such parameter"), Profile(level=0.5, high=0.9), context())
    with pytest.raises(InfeasibleError, match=f"the weights of '{layer}' are frozen, and {name} judges"):
        pruner.check(frozen(f"{layer}.weight"), Profile(level=0.5, high=0.9), context())


@pytest.mark.parametrize(
    ("name", "instead"), [("qat", "ptq"), ("slim", "l1_norm"), ("linear", "l1_norm"), ("agp", "l1_norm")]
)
def test_a_technique_that_works_while_it_trains_refuses_a_network_that_is_all_frozen(name, instead):
    technique = technique_class(name)()
    profile = BITS if isinstance(technique, Quantizer) else Profile(level=0.5, high=0.9)
    technique.check(frozen(f"{first_weight()}.weight"), profile, context())
    with pytest.raises(InfeasibleError, match=f"are frozen, and {name} works while it trains; choose {instead}"):
        technique.check(frozen(), profile, context())


class Scaled(nn.Module):
    """Holds a parameter beside its modules."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(Tensor([1.0]).repeat(8).reshape(8, 1, 1))
        self.conv, self.pool, self.fc = nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(8, 5)

    def forward(self, images):
        return self.fc(self.pool(self.conv(images) * self.scale).flatten(1))


@pytest.mark.parametrize("name", ["lsq", "lsq_plus"])
def test_learned_grids_refuse_a_parameter_that_no_module_holds(name):
    used = technique_class(name)()
    prepared = used.prepared(Scaled(), context().calibration)
    with pytest.raises(InfeasibleError, match=f"holds the parameter 'scale', which {name} cannot train"):
        used.check(prepared, BITS, context())
