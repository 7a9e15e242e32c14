"""Small networks of several shapes, images that they can learn, and a context to run techniques in."""

import copy
import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from automl.core.image import ImageShape, Normalization
from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Augmentation, Dataset, Split
from automl.pipeline.stages import StageRunner
from automl.technique import StageContext

SHAPE = ImageShape(3, 12, 12)
CLASSES = 5
NORMALIZATION = Normalization.from_statistics(127.0, 50.0)
SEED = 3
BATCH_SIZE = 32

Network = Callable[[], nn.Module]


class Add(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


class Block(nn.Module):
    """Convolution, normalisation, activation: a depthwise one where there are as many groups as channels."""

    def __init__(self, inputs: int, outputs: int, *, groups: int = 1, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = activation()

    def forward(self, values: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(values)))


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
        stem = self.stem(images)
        joined = self.act(self.add(stem, self.second(self.first(stem))))
        return self.classifier(self.flatten(self.pool(joined)))


def plain() -> nn.Module:
    return nn.Sequential(Block(SHAPE.channels, 16), nn.MaxPool2d(2), Block(16, 32), *_head(32))


def depthwise() -> nn.Module:
    return nn.Sequential(Block(SHAPE.channels, 16), Block(16, 16, groups=16), Block(16, 24), *_head(24))


def residual() -> nn.Module:
    return Residual()


def bare_sum() -> nn.Module:
    """A residual network whose sum no activation follows."""
    return Residual(nn.Identity)


def smooth() -> nn.Module:
    """A network without a ReLU, whose activations take both signs."""
    return nn.Sequential(
        Block(SHAPE.channels, 16, activation=nn.Hardswish), Block(16, 16, activation=nn.Tanh), *_head(16)
    )


NETWORKS: tuple[Network, ...] = (plain, depthwise, residual, bare_sum, smooth)


def trained(network: Network) -> nn.Module:
    """Give a network that knows the images, the same at every call."""
    return copy.deepcopy(_trained(network))


@functools.cache
def _trained(network: Network) -> nn.Module:
    torch.manual_seed(SEED)
    model = network()
    context().fit(model, epochs=3, learning_rate=0.02)
    return model


@functools.cache
def split(shape: ImageShape = SHAPE, count: int = 256) -> Split:
    """Draw one of five coloured patterns an image, with noise."""
    random = np.random.default_rng(0)
    patterns = random.uniform(40, 215, (CLASSES, *shape))
    labels = random.integers(0, CLASSES, count)
    noise = random.normal(0, 30, (count, *shape))
    return Split((patterns[labels] + noise).clip(0, 255).astype(np.uint8), labels)


def context(shape: ImageShape = SHAPE, *, seed: int = SEED) -> StageContext:
    """Make what a technique gets in a trial, over the images of ``split``."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    recipe = Recipe(stages=(), training=TrainingSettings(batch_size=BATCH_SIZE), seed=seed)
    return StageRunner(recipe, _dataset(shape), torch.device("cpu"))._context()


@functools.cache
def _dataset(shape: ImageShape) -> Dataset:
    return Dataset(
        spec="patterns",
        train=split(shape),
        validation=split(shape),
        test=split(shape),
        classes=CLASSES,
        normalization=NORMALIZATION,
        augmentation=Augmentation.NONE,
        fingerprint="",
    )


def logits(model: nn.Module) -> Tensor:
    """Give what a network says about the images."""
    with torch.no_grad():
        answer: Tensor = model.eval()(context().calibration)
    return answer


def _head(features: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, CLASSES)
