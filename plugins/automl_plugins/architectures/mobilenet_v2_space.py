"""Inverted residuals with depthwise convolutions as an NNI model space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from automl.technique import ImageShape
from automl_plugins.architectures.add import Add
from automl_plugins.nni.compression import ModelSpace, MutableBatchNorm2d, MutableConv2d, MutableLinear, Repeat, choice


@dataclass(frozen=True)
class MobileNetV2Candidates:
    """What each mutable may become; ``stages`` shapes the space itself."""

    stages: int
    blocks: Sequence[int]
    width: Sequence[int]
    expansion: Sequence[int]
    kernel: Sequence[int]


class InvertedResidual(ModelSpace):  # type: ignore[misc] # NNI has no types
    """Widen with 1x1, filter each channel alone, narrow with 1x1; a shortcut where the shape stays."""

    def __init__(
        self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int, *, is_residual: bool
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = MutableConv2d(inputs, hidden, 1, bias=False)
        self.expand_norm = MutableBatchNorm2d(hidden)
        self.expand_relu = nn.ReLU6()
        self.depthwise = MutableConv2d(
            hidden, hidden, kernel, stride=stride, padding=kernel // 2, groups=hidden, bias=False
        )
        self.depthwise_norm = MutableBatchNorm2d(hidden)
        self.depthwise_relu = nn.ReLU6()
        self.project = MutableConv2d(hidden, outputs, 1, bias=False)
        self.project_norm = MutableBatchNorm2d(outputs)
        self.add = Add() if is_residual else None

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        hidden = self.expand_relu(self.expand_norm(self.expand(images)))
        hidden = self.depthwise_relu(self.depthwise_norm(self.depthwise(hidden)))
        features: Tensor = self.project_norm(self.project(hidden))
        return features if self.add is None else self.add(features, images)


class MobileNetV2Space(ModelSpace):  # type: ignore[misc] # NNI has no types
    """A 3x3 stem, stages of inverted residuals that double the width and halve the map, a linear classifier.

    Labels: ``blocks`` (a stage), ``width`` (of the first stage), ``expansion``, ``kernel``.
    """

    def __init__(self, image_shape: ImageShape, classes: int, candidates: MobileNetV2Candidates) -> None:
        super().__init__()
        width = choice("width", list(candidates.width))
        blocks = choice("blocks", list(candidates.blocks))
        expansion = choice("expansion", list(candidates.expansion))
        kernel = choice("kernel", list(candidates.kernel))
        self.stem = nn.Sequential(
            MutableConv2d(image_shape.channels, width, 3, padding=1, bias=False), MutableBatchNorm2d(width), nn.ReLU6()
        )
        stages = []
        for stage in range(candidates.stages):
            inputs, outputs, stride = (
                (width, width, 1) if stage == 0 else (width * 2 ** (stage - 1), width * 2**stage, 2)
            )
            stages.append(Repeat(_block_maker(inputs, outputs, expansion, kernel, stride), blocks))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = MutableLinear(width * 2 ** (candidates.stages - 1), classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.classifier(self.flatten(self.pool(self.stages(self.stem(images)))))
        return logits


def _block_maker(
    inputs: int, outputs: int, expansion: int, kernel: int, stride: int
) -> Callable[[int], InvertedResidual]:
    def make(index: int) -> InvertedResidual:
        if index:
            return InvertedResidual(outputs, outputs, expansion, kernel, 1, is_residual=True)
        return InvertedResidual(inputs, outputs, expansion, kernel, stride, is_residual=stride == 1)

    return make
