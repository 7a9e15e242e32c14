"""The plain convolutional network as an NNI model space."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from automl.technique import ImageShape
from automl_plugins.nni.compression import (
    LayerChoice,
    ModelSpace,
    MutableBatchNorm2d,
    MutableConv2d,
    MutableExpression,
    MutableLinear,
    Repeat,
    choice,
)

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}
_SMALLEST_MAP = 4


@dataclass(frozen=True)
class ConvNetCandidates:
    """What each mutable may become; ``widths`` has one entry a stage of the deepest network."""

    depth: Sequence[int]
    widths: Sequence[Sequence[int]]
    kernel: Sequence[int]
    activation: Sequence[str]


class ConvBlock(ModelSpace):  # type: ignore[misc] # NNI has no types
    """Convolution, batch normalisation, activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, activations: Sequence[str]) -> None:
        super().__init__()
        self.conv = MutableConv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = MutableBatchNorm2d(outputs)
        self.activation = LayerChoice({name: ACTIVATIONS[name]() for name in activations}, label="activation")

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        features: Tensor = self.activation(self.norm(self.conv(images)))
        return features


class ConvNetSpace(ModelSpace):  # type: ignore[misc] # NNI has no types
    """Stages of one block, then global average pooling and a linear classifier.

    Each stage after the first halves the map, as long as at least 4 pixels a side stay.

    Labels: ``depth``, ``width_1`` … ``width_<n>``, ``kernel``, ``activation``.
    """

    def __init__(self, image_shape: ImageShape, classes: int, candidates: ConvNetCandidates) -> None:
        super().__init__()
        widths = [choice(f"width_{stage}", list(values)) for stage, values in enumerate(candidates.widths, start=1)]
        inputs = [image_shape.channels, *widths]
        kernel = choice("kernel", list(candidates.kernel))
        depth = choice("depth", list(candidates.depth))
        strides = stage_strides(image_shape, len(widths))
        self.stages = Repeat(
            lambda stage: ConvBlock(inputs[stage], widths[stage], kernel, strides[stage], candidates.activation), depth
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        features = MutableExpression.switch_case(depth, {stages: widths[stages - 1] for stages in candidates.depth})
        self.classifier = MutableLinear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.classifier(self.flatten(self.pool(self.stages(images))))
        return logits


def stage_strides(image_shape: ImageShape, stages: int) -> list[int]:
    """Stride of each stage: 1 for the first, then 2 as long as the map stays large enough."""
    side = min(image_shape.height, image_shape.width)
    strides = [1]
    while len(strides) < stages:
        halves = side // 2 >= _SMALLEST_MAP
        side = side // 2 if halves else side
        strides.append(2 if halves else 1)
    return strides
