import pytest
import torch
from torch import nn

from automl.network.skeleton import skeleton


class Scaled(nn.Module):
    def __init__(self, channels: int, factor: object) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3)
        self.norm = nn.BatchNorm2d(channels)
        self.factor = factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(images)) * self.factor


def depthwise(channels: int, groups: int) -> nn.Module:
    return nn.Conv2d(channels, channels, 3, groups=groups)


def test_widths_and_weights_make_no_difference():
    assert skeleton(Scaled(8, 2.0)) == skeleton(Scaled(24, 2.0))
    assert skeleton(depthwise(8, 8)) == skeleton(depthwise(12, 12))


@pytest.mark.parametrize(
    "other",
    [
        Scaled(8, 3.0),
        Scaled(8, (2, 0)),
        Scaled(8, 2.0).eval(),
        nn.Sequential(Scaled(8, 2.0)),
    ],
    ids=["attribute", "tuple", "mode", "nesting"],
)
def test_all_else_does(other):
    assert skeleton(other) != skeleton(Scaled(8, 2.0))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 5)),
        (nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3, stride=2)),
        (nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3, bias=False)),
        (depthwise(8, 8), depthwise(8, 2)),
        (depthwise(8, 8), depthwise(8, 1)),
        (nn.ReLU(), nn.Tanh()),
    ],
)
def test_layers_are_told_apart(one, other):
    assert skeleton(one) != skeleton(other)


def test_an_attribute_that_cannot_be_compared_leaves_no_answer():
    assert skeleton(Scaled(8, [2.0])) is None
