"""Residual networks as an NNI model space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from automl.technique import ImageShape
from automl_plugins.architectures.add import Add
from automl_plugins.nni.compression import ModelSpace, MutableBatchNorm2d, MutableConv2d, MutableLinear, Repeat, choice


@dataclass(frozen=True)
class ResNetCandidates:
    """What each mutable may become; ``stem`` and ``stages`` shape the space itself."""

    stem: Literal["cifar", "imagenet"]
    stages: int
    blocks: Sequence[int]
    width: Sequence[int]


class BasicBlock(ModelSpace):  # type: ignore[misc] # NNI has no types
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, is_projected: bool) -> None:
        super().__init__()
        self.conv1 = MutableConv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = MutableBatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = MutableConv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = MutableBatchNorm2d(outputs)
        self.shortcut = (
            nn.Sequential(MutableConv2d(inputs, outputs, 1, stride=stride, bias=False), MutableBatchNorm2d(outputs))
            if is_projected
            else nn.Identity()
        )
        self.add = Add()
        self.relu2 = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        branch = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(images)))))
        features: Tensor = self.relu2(self.add(branch, self.shortcut(images)))
        return features


def _block_maker(inputs: int, outputs: int, stride: int) -> Callable[[int], BasicBlock]:
    def make(index: int) -> BasicBlock:
        if index:
            return BasicBlock(outputs, outputs, 1, is_projected=False)
        return BasicBlock(inputs, outputs, stride, is_projected=stride != 1)

    return make


def _stem(channels: int, width: int, kind: Literal["cifar", "imagenet"]) -> nn.Sequential:
    """A 3x3 convolution for small images; a 7x7 one and a pooling, a quarter of the side together, for large ones."""
    if kind == "cifar":
        conv, pool = MutableConv2d(channels, width, 3, padding=1, bias=False), []
    else:
        conv = MutableConv2d(channels, width, 7, stride=2, padding=3, bias=False)
        pool = [nn.MaxPool2d(3, stride=2, padding=1)]
    return nn.Sequential(conv, MutableBatchNorm2d(width), nn.ReLU(), *pool)


class ResNetSpace(ModelSpace):  # type: ignore[misc] # NNI has no types
    """A stem, stages of basic blocks that double the width and halve the map, and a linear classifier.

    Labels: ``blocks`` (a stage), ``width`` (of the first stage).
    """

    def __init__(self, image_shape: ImageShape, classes: int, candidates: ResNetCandidates) -> None:
        super().__init__()
        width = choice("width", list(candidates.width))
        blocks = choice("blocks", list(candidates.blocks))
        self.stem = _stem(image_shape.channels, width, candidates.stem)
        stages = []
        for stage in range(candidates.stages):
            inputs, outputs, stride = (
                (width, width, 1) if stage == 0 else (width * 2 ** (stage - 1), width * 2**stage, 2)
            )
            stages.append(Repeat(_block_maker(inputs, outputs, stride), blocks))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = MutableLinear(width * 2 ** (candidates.stages - 1), classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.classifier(self.flatten(self.pool(self.stages(self.stem(images)))))
        return logits
