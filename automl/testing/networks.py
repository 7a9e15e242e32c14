"""Small networks of many shapes: those that a technique must handle, and those that it may refuse."""

from collections.abc import Callable

from torch import Tensor, nn

from automl.core.image import ImageShape

SHAPE = ImageShape(3, 12, 12)
"""Of the images that the networks take."""

CLASSES = 5
"""Number of logits that the networks give."""

Network = Callable[[], nn.Module]
"""Builds an untrained network from images of ``SHAPE`` to ``CLASSES`` logits."""


class Add(nn.Module):
    """A sum that a quantizer can name."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Add two tensors of one shape."""
        return left + right


class Block(nn.Module):
    """Convolution, normalisation, activation: a depthwise one where there are as many groups as channels."""

    def __init__(self, inputs: int, outputs: int, *, groups: int = 1, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = activation()

    def forward(self, values: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        activated: Tensor = self.act(self.norm(self.conv(values)))
        return activated


class Residual(nn.Module):
    """The stem and the second block meet in a sum, so both keep one width; the first block is free."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.stem = Block(SHAPE.channels, 16)
        self.first = Block(16, 24)
        self.second = Block(24, 16, activation=nn.Identity)
        self.add = Add()
        self.act = activation()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        stem = self.stem(images)
        joined = self.act(self.add(stem, self.second(self.first(stem))))
        logits: Tensor = self.classifier(self.flatten(self.pool(joined)))
        return logits


class SumWithImages(nn.Module):
    """A block is summed with the images themselves, so it must keep their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(SHAPE.channels, SHAPE.channels)
        self.add = Add()
        self.rest = nn.Sequential(Block(SHAPE.channels, 16), *_head(16))

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        logits: Tensor = self.rest(self.add(images, self.block(images)))
        return logits


class Functional(nn.Module):
    """Calls functions where others have modules, so that a quantizer sees neither sum nor activation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(SHAPE.channels, 16, activation=nn.Identity)
        self.block = Block(16, 16, activation=nn.Identity)
        self.classifier = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        stem = self.stem(images).relu()
        logits: Tensor = self.classifier((stem + self.block(stem)).relu().mean((2, 3)))
        return logits


class Attention(nn.Module):
    """Attends over the pixels of a small map: linear layers over sequences, and a module that gives two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(SHAPE.channels, 16)
        self.pool = nn.AvgPool2d(4)
        self.flatten = nn.Flatten(2)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.classifier = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        pixels = self.flatten(self.pool(self.stem(images))).transpose(1, 2)
        attended, _ = self.attention(pixels, pixels, pixels)
        logits: Tensor = self.classifier(attended.mean(1))
        return logits


class Branching(nn.Module):
    """Decides by the size of its input, which ``torch.fx`` cannot trace."""

    def __init__(self) -> None:
        super().__init__()
        self.body = plain()
        self.pool = nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        if images.shape[-1] > SHAPE.width:
            images = self.pool(images)
        logits: Tensor = self.body(images)
        return logits


def plain() -> nn.Module:
    """A chain of convolutions, the least that every technique must handle."""
    return nn.Sequential(Block(SHAPE.channels, 16), nn.MaxPool2d(2), Block(16, 32), *_head(32))


def depthwise() -> nn.Module:
    """A network with a depthwise convolution."""
    return nn.Sequential(Block(SHAPE.channels, 16), Block(16, 16, groups=16), Block(16, 24), *_head(24))


def residual() -> nn.Module:
    """A network whose branches meet in a sum, which an activation follows."""
    return Residual()


def bare_sum() -> nn.Module:
    """A residual network whose sum no activation follows."""
    return Residual(nn.Identity)


def smooth() -> nn.Module:
    """A network without a ReLU, whose activations take both signs."""
    return nn.Sequential(
        Block(SHAPE.channels, 16, activation=nn.Hardswish), Block(16, 16, activation=nn.Tanh), *_head(16)
    )


def grouped() -> nn.Module:
    """A network with a convolution of four groups of four channels."""
    return nn.Sequential(Block(SHAPE.channels, 16), Block(16, 16, groups=4), *_head(16))


def fully_convolutional() -> nn.Module:
    """A network whose last convolution makes the logits."""
    return nn.Sequential(Block(SHAPE.channels, 16), nn.Conv2d(16, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def linear() -> nn.Module:
    """A network without a convolution."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(SHAPE.channels * SHAPE.height * SHAPE.width, 16), nn.ReLU(), nn.Linear(16, CLASSES)
    )


def layer_norm() -> nn.Module:
    """A network that normalises each image by itself."""
    block = (nn.Conv2d(SHAPE.channels, 16, 3, padding=1), nn.GroupNorm(1, 16), nn.GELU())
    return nn.Sequential(*block, nn.Conv2d(16, 16, 3, padding=1), nn.PReLU(16), *_head(16))


NETWORKS: tuple[Network, ...] = (plain, depthwise, residual, bare_sum, smooth)
"""What a technique handles, or refuses with a reason; ``plain`` it must handle."""

ODD_NETWORKS: tuple[Network, ...] = (
    grouped,
    fully_convolutional,
    linear,
    layer_norm,
    SumWithImages,
    Functional,
    Attention,
    Branching,
)
"""What many techniques cannot handle: each works, or is refused before any training."""


def _head(features: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, CLASSES)
