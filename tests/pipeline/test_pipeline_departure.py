"""Where a deployed network departs from the simulated one is found, layer by layer."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.pipeline import departure
from automl.pipeline.departure import first_departure

WIDTH = 4


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    digits = load_dataset("digits")
    return replace(digits, normalization=Normalization(scale=0.02, zero_point=50), augmentation=Augmentation.NONE)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(WIDTH, 10),
    ).eval()


def quantization_of(model: nn.Module) -> Quantization:
    """Put the weights on 8-bit grids, and the activations on grids that hold their ranges."""
    weights = {}
    with torch.no_grad():
        for name in ("0", "2", "6"):
            weight = model.get_submodule(name).weight
            scale = weight.abs().flatten(1).amax(dim=1) / 127
            spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
            weight.copy_(torch.round(weight / spread) * spread)
            weights[name] = WeightQuantization(bits=8, scale=tuple(scale.tolist()))
    return Quantization(
        weights=weights,
        outputs={
            "1": ActivationQuantization(scale=0.02, zero_point=0),
            "2": ActivationQuantization(scale=0.02, zero_point=128),
            "3": ActivationQuantization(scale=0.02, zero_point=20),
            "4": ActivationQuantization(scale=0.01, zero_point=100),
        },
    )


def test_networks_that_agree_depart_nowhere(model, dataset):
    assert first_departure(model, quantization_of(model), dataset.validation.images, dataset.normalization) is None


@pytest.mark.parametrize("name", ["1", "2", "4"])
def test_the_first_layer_that_computes_something_else_is_named(model, dataset, monkeypatch, name):
    quantization = quantization_of(model)
    right = departure._simulated

    def shifted_from_there_on(*arguments):
        seen = right(*arguments)
        return {module: values + 1.0 if module >= name else values for module, values in seen.items()}

    monkeypatch.setattr(departure, "_simulated", shifted_from_there_on)
    assert first_departure(model, quantization, dataset.validation.images, dataset.normalization) == name
