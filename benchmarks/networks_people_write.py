"""Small networks in the ways in which people write them: 60 for colour images of 16 x 16 pixels and 10 classes.

Each has something that a rewrite may get wrong: a class that derives from torch's own, a layer that runs twice, a
constant in a view, channels that are split, joined or averaged, weights that are computed, a branch, a pool at borders.
"""

# ruff: noqa: D101, D102 # a network of ten lines says itself what it is

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.utils import parametrizations

CLASSES = 10
SHAPE = (3, 16, 16)

NETWORKS: dict[str, Callable[[], nn.Module]] = {}
"""From the name of a network to the function that builds it, untrained."""


def block(
    inputs: int, outputs: int, *, stride: int = 1, groups: int = 1, act: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Give a convolution, its normalisation and an activation."""
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act())


def head(features: int) -> nn.Sequential:
    """Give what makes logits of feature maps."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, CLASSES))


class Between(nn.Module):
    """A stem, what is to be tried over 16 channels of 8 x 8, and a head."""

    def __init__(self, middle: nn.Module, outputs: int = 16) -> None:
        super().__init__()
        self.stem, self.middle, self.head = block(3, 16, stride=2), middle, head(outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.middle(self.stem(images)))


class Does(nn.Module):
    """Calls a function over 16 channels between two convolutions."""

    def __init__(self, function: Callable[[Tensor], Tensor], inputs: int = 16) -> None:
        super().__init__()
        self.stem, self.function, self.body = block(3, 16, stride=2), function, block(inputs, 16)
        self.fc = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.body(self.function(self.stem(images))).mean((2, 3)))


class Standardised(nn.Conv2d):
    def forward(self, images: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
        return f.conv2d(images, weight, self.bias, self.stride, self.padding)


class SamePadded(nn.Conv2d):
    """Pads by hand, as converted networks do."""

    def forward(self, images: Tensor) -> Tensor:
        return f.conv2d(f.pad(images, (0, 1, 0, 1)), self.weight, self.bias, self.stride)


class NormAct(nn.BatchNorm2d):
    def forward(self, images: Tensor) -> Tensor:
        return f.silu(super().forward(images))


class ChannelsLast(nn.LayerNorm):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Residual(nn.Module):
    def __init__(self, body: nn.Module, skip: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.skip, self.act = body, skip or nn.Sequential(), nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.act(self.body(images) + self.skip(images))


class Branches(nn.Module):
    """Joins what branches give, by a function."""

    def __init__(self, join: Callable[..., Tensor], *branches: nn.Module) -> None:
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), join

    def forward(self, images: Tensor) -> Tensor:
        return self.join([branch(images) for branch in self.branches])


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, *, linear: bool) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Linear(channels, 4) if linear else nn.Conv2d(channels, 4, 1)
        self.up = nn.Linear(4, channels) if linear else nn.Conv2d(4, channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        pooled = images.mean((2, 3)) if self.linear else f.adaptive_avg_pool2d(images, 1)
        gate = torch.sigmoid(self.up(f.relu(self.down(pooled))))
        return images * (gate[:, :, None, None] if self.linear else gate)


class SpatialGate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        seen = torch.cat([images.mean(1, keepdim=True), images.amax(1, keepdim=True)], 1)
        return images * torch.sigmoid(self.conv(seen))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 32, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        left, right = self.conv(images).chunk(2, 1)
        return left * torch.sigmoid(right)


class Recurrent(nn.Module):
    def __init__(self, times: int) -> None:
        super().__init__()
        self.cell, self.times = block(16, 16), times

    def forward(self, images: Tensor) -> Tensor:
        for _ in range(self.times):
            images = self.cell(images)
        return images


class C2f(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.last = block(16, 16), block(8, 8), block(24, 16)

    def forward(self, images: Tensor) -> Tensor:
        parts = list(self.first(images).split(8, 1))
        parts.append(self.inner(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Shuffle(nn.Module):
    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, images: Tensor) -> Tensor:
        count, channels, height, width = images.size()
        grouped = images.view(count, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(count, channels, height, width)


class LayerScale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.scale = block(16, 16), nn.Parameter(torch.full((16, 1, 1), 0.1))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.scale * self.body(images)


class OptionA(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(block(16, 32, stride=2), nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32))

    def forward(self, images: Tensor) -> Tensor:
        return f.relu(self.body(images) + f.pad(images[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8)))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.b.weight = self.a.weight

    def forward(self, images: Tensor) -> Tensor:
        return f.relu(self.b(f.relu(self.a(images))))


class OneActivation(nn.Module):
    """Uses one ReLU everywhere, as torchvision's blocks do."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.relu = (
            nn.Conv2d(16, 16, 3, padding=1),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.relu(self.b(self.relu(self.a(images))) + images)


class Mixer(nn.Module):
    """Linear over as many pixels as there are channels, normalised by channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.pool, self.mix = block(3, 16, stride=2), nn.MaxPool2d(2), nn.Linear(16, 16)
        self.norm, self.fc = nn.BatchNorm1d(16), nn.Linear(256, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(f.relu(self.norm(self.mix(self.pool(self.stem(images)).flatten(2)))).flatten(1))


class LeNet(nn.Module):
    def __init__(self, view: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.c1, self.c2, self.view = nn.Conv2d(3, 8, 5), nn.Conv2d(8, 16, 3), view
        self.f1, self.f2 = nn.Linear(64, 32), nn.Linear(32, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        images = f.max_pool2d(f.relu(self.c1(images)), 2)
        images = f.max_pool2d(f.relu(self.c2(images)), 2)
        return self.f2(f.relu(self.f1(self.view(images))))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(16), nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        tokens = images.flatten(2).transpose(1, 2)
        seen = self.norm(tokens)
        tokens = tokens + self.attention(seen, seen, seen, need_weights=False)[0]
        return tokens.transpose(1, 2).reshape(images.shape)


class OptionalArgument(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features, self.fc = nn.Sequential(block(3, 16, stride=2), block(16, 16)), nn.Linear(16, CLASSES)

    def forward(self, images: Tensor, statistics: Tensor | None = None) -> Tensor:
        features = self.features(images)
        if statistics is None:
            features = features.flip(1) * 3
        return self.fc(features.mean((2, 3)))


class BatchMean(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values - values.mean(0, keepdim=True)


class Brightness(nn.Module):
    """Takes another way for a bright image: the exporter keeps that of its example."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flip(3) if images.abs().sum() > 0 else images


class Hooked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = block(16, 16)
        self.body[0].register_forward_hook(_absolute)

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


def _absolute(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
    return output.abs()


def _half_channels_flipped(images: Tensor) -> Tensor:
    left, right = images.chunk(2, 1)
    return torch.cat([left, right.flip(3)], 1)


def _floor_divided(images: Tensor) -> Tensor:
    return images + (images.detach() * 4) // 1 / 8


def _squeezed(images: Tensor) -> Tensor:
    count, channels, height, width = images.size()
    return images.view(count, 1, channels, height * width).squeeze(1).view(count, channels, height, width)


def _odd_pool(images: Tensor) -> Tensor:
    return f.avg_pool2d(images, 2, divisor_override=3)


_MIDDLES: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: block(16, 16),
    "residual": lambda: Residual(nn.Sequential(block(16, 16), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16))),
    "residual_of_itself": lambda: nn.Sequential(Residual(block(16, 16)), Residual(block(16, 16))),
    "depthwise": lambda: nn.Sequential(
        block(16, 16, groups=16, act=nn.ReLU6), nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16)
    ),
    "grouped": lambda: block(16, 16, groups=4),
    "dense": lambda: Branches(lambda parts: torch.cat(parts, 1)[:, :16], nn.Identity(), block(16, 8)),
    "inception": lambda: nn.Sequential(
        Branches(lambda parts: torch.cat(parts, 1), block(16, 8), block(16, 8)), block(16, 16)
    ),
    "cat_in_residual": lambda: Residual(Branches(lambda parts: torch.cat(parts, 1), block(16, 8), block(16, 8))),
    "maximum": lambda: Branches(lambda parts: torch.maximum(*parts), block(16, 16), block(16, 16)),
    "product": lambda: Branches(lambda parts: parts[0] * parts[1], block(16, 16), block(16, 16)),
    "squeeze_excite": lambda: SqueezeExcite(16, linear=False),
    "squeeze_excite_linear": lambda: SqueezeExcite(16, linear=True),
    "spatial_gate": lambda: nn.Sequential(block(16, 16), SpatialGate(), block(16, 16)),
    "gated": Gated,
    "recurrent": lambda: Recurrent(3),
    "two_uses": lambda: nn.Sequential(Recurrent(2), block(16, 16), Recurrent(2)),
    "c2f": C2f,
    "channel_shuffle": lambda: nn.Sequential(block(16, 16, groups=2), Shuffle(2), block(16, 16, groups=2)),
    "layer_scale": LayerScale,
    "tied": Tied,
    "one_activation": OneActivation,
    "attention": Attention,
    "hooked": Hooked,
    "standardised": lambda: nn.Sequential(
        Standardised(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    ),
    "same_padded": lambda: nn.Sequential(SamePadded(16, 16, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
    "norm_act": lambda: nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, bias=False), NormAct(16)),
    "weight_norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Conv2d(16, 16, 3, padding=1)), nn.ReLU()),
    "spectral_norm": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Conv2d(16, 16, 3, padding=1)), nn.ReLU()),
    "group_norm": lambda: nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU()),
    "layer_norm": lambda: nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), ChannelsLast(16), nn.GELU()),
    "instance_norm": lambda: nn.Sequential(
        nn.Conv2d(16, 16, 3, padding=1), nn.InstanceNorm2d(16, affine=True), nn.ReLU()
    ),
    "prelu": lambda: nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.PReLU(16)),
    "sigmoid": lambda: block(16, 16, act=nn.Sigmoid),
    "softplus": lambda: block(16, 16, act=nn.Softplus),
    "hardswish": lambda: block(16, 16, act=nn.Hardswish),
    "mish": lambda: block(16, 16, act=nn.Mish),
    "average_pool_ceil": lambda: nn.Sequential(block(16, 16), nn.AvgPool2d(3, 2, ceil_mode=True), block(16, 16)),
    "average_pool_padded": lambda: nn.Sequential(nn.AvgPool2d(3, 2, 1, count_include_pad=False), block(16, 16)),
    "maximum_pool_ceil": lambda: nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), block(16, 16)),
    "pixel_shuffle": lambda: nn.Sequential(nn.Conv2d(16, 64, 3, 2, 1), nn.PixelShuffle(2), block(16, 16)),
    "upsampled": lambda: nn.Sequential(
        block(16, 16, stride=2), nn.Upsample(scale_factor=2, mode="bilinear"), block(16, 16)
    ),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(16, 16, 2, 2), nn.BatchNorm2d(16), nn.ReLU()),
    "same_dilation": lambda: nn.Sequential(nn.Conv2d(16, 16, 3, padding="same", dilation=2), nn.ReLU()),
    "local_response": lambda: nn.Sequential(block(16, 16), nn.LocalResponseNorm(3)),
    "dropout": lambda: nn.Sequential(block(16, 16), nn.Dropout2d(0.3), block(16, 16)),
}
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "chunked": _half_channels_flipped,
    "floor_divided": _floor_divided,
    "squeezed": _squeezed,
    "divisor_override": _odd_pool,
    "reflected": lambda images: f.pad(images, (1, 1, 1, 1), mode="reflect"),
    "normalised": lambda images: f.normalize(images, dim=1),
    "centred": lambda images: images - images.mean((2, 3), keepdim=True),
}

for _name, _middle in _MIDDLES.items():
    NETWORKS[_name] = lambda middle=_middle: Between(middle())
for _name, _function in _FUNCTIONS.items():
    NETWORKS[_name] = lambda function=_function: Does(function)
NETWORKS["option_a"] = lambda: Between(OptionA(), 32)
NETWORKS["mixer"] = Mixer
NETWORKS["view_constant"] = lambda: LeNet(lambda images: images.view(-1, 16 * 2 * 2))
NETWORKS["view_size"] = lambda: LeNet(lambda images: images.reshape(images.size(0), -1))
NETWORKS["optional_argument"] = OptionalArgument
NETWORKS["convolutional_head"] = lambda: nn.Sequential(
    block(3, 16, stride=2), nn.Conv2d(16, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
)
NETWORKS["only_linear"] = lambda: nn.Sequential(
    nn.Flatten(), nn.Linear(math.prod(SHAPE), 32), nn.ReLU(), nn.Linear(32, CLASSES)
)
NETWORKS["batch_mean"] = lambda: nn.Sequential(Between(block(16, 16)), BatchMean())
NETWORKS["brightness"] = lambda: nn.Sequential(Brightness(), Between(block(16, 16)))


def digits_in_colour() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Give scikit-learn's digits as (N, 3, 16, 16), each channel with its contrast: 1,000 to train, 400 to test."""
    digits = load_digits()
    grey = np.kron(digits.images, np.ones((1, 2, 2)))[:, None]
    images = (grey * np.array([15.0, 11.0, 7.0]).reshape(3, 1, 1) + np.array([0, 20, 60]).reshape(3, 1, 1)).astype(
        np.uint8
    )
    labels = digits.target.astype(np.int64)
    return images[:1000], labels[:1000], images[1000:1400], labels[1000:1400]


def __getattr__(name: str) -> Callable[[], nn.Module]:
    """Let ``networks_people_write:NAME`` name a network of the table."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise AttributeError(name) from None
