"""conv_net builds the network that its fields describe, for small and for larger images."""

import math
import pickle

import pytest
import torch
from torch import nn

from automl.core.image import ImageShape
from automl.testing.context import context
from automl.testing.networks import CLASSES
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.architectures.conv_net_space import ACTIVATIONS

DIGITS = ImageShape(1, 8, 8)
STRIDES = {
    DIGITS: [1, 2, 1, 1],
    ImageShape(3, 32, 32): [1, 2, 2, 2],
    ImageShape(1, 28, 28): [1, 2, 2, 1],
    ImageShape(3, 32, 8): [1, 2, 1, 1],
}


def build(shape: ImageShape = DIGITS, **fields: int | str) -> nn.Module:
    return ConvNet.model_validate(fields).build(context(shape))


def of_kind(model: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in model.modules() if type(module) is kind]


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_depth_and_widths_are_those_of_the_fields(depth):
    widths = [5, 12, 24, 40][:depth]
    model = build(depth=depth, width_1=5, width_2=12, width_3=24, width_4=40)
    assert [(conv.in_channels, conv.out_channels) for conv in of_kind(model, nn.Conv2d)] == list(
        zip([1, *widths[:-1]], widths, strict=True)
    )
    assert [norm.num_features for norm in of_kind(model, nn.BatchNorm2d)] == widths
    assert [(layer.in_features, layer.out_features) for layer in of_kind(model, nn.Linear)] == [(widths[-1], CLASSES)]


@pytest.mark.parametrize("kernel", [3, 5])
def test_kernel_is_that_of_every_convolution_and_keeps_the_map(kernel):
    for conv in of_kind(build(kernel=kernel), nn.Conv2d):
        assert conv.kernel_size == (kernel, kernel)
        assert conv.padding == (kernel // 2, kernel // 2)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_activation_follows_every_convolution_and_no_other_is_there(activation):
    model = build(depth=4, activation=activation)
    for name, kind in ACTIVATIONS.items():
        assert len(of_kind(model, kind)) == (4 if name == activation else 0)


@pytest.mark.parametrize("shape", list(STRIDES), ids=str)
def test_map_halves_as_long_as_four_pixels_a_side_are_left(shape):
    model = build(shape, depth=4)
    assert [conv.stride[0] for conv in of_kind(model, nn.Conv2d)] == STRIDES[shape]
    sides = []
    model.get_submodule("pool").register_forward_pre_hook(lambda _module, maps: sides.append(min(maps[0].shape[2:])))
    assert model.eval()(torch.zeros(2, *shape)).shape == (2, CLASSES)
    assert sides == [min(shape[1:]) // math.prod(STRIDES[shape])]


def test_parameters_are_those_of_the_formula():
    model = build(ImageShape(3, 32, 32), depth=2, width_1=8, width_2=16, kernel=5)
    convolutions = 3 * 8 * 25 + 8 * 16 * 25
    norms = 2 * (8 + 16)
    assert sum(parameter.numel() for parameter in model.parameters()) == convolutions + norms + 17 * CLASSES


def test_every_activation_and_depth_can_be_traced_and_pickled():
    for activation in ACTIVATIONS:
        for depth in (2, 3, 4):
            model = build(depth=depth, activation=activation).eval()
            images = torch.randn(2, 1, 8, 8)
            expected = model(images)
            assert torch.equal(torch.fx.symbolic_trace(model)(images), expected)
            assert torch.equal(pickle.loads(pickle.dumps(model))(images), expected)  # noqa: S301 # bytes of our own


def test_seed_decides_the_weights():
    first = [parameter.clone() for parameter in build().parameters()]
    assert all(torch.equal(*pair) for pair in zip(first, build().parameters(), strict=True))
    other = ConvNet().build(context(DIGITS, seed=4))
    assert not torch.equal(first[0], next(other.parameters()))
