"""Batches made on the device: pixels stay uint8 there, and a whole batch is varied and normalised at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from automl.core.augmentation import Augmentation, shift_reach
from automl.core.image import Normalization


class Batch(NamedTuple):
    """Normalised images (N, C, H, W), float32, and N labels."""

    images: Tensor
    labels: Tensor


def normalize(images: Tensor, normalization: Normalization) -> Tensor:
    """Turn uint8 pixels into float32 numbers.

    >>> normalize(torch.tensor([0, 10, 20], dtype=torch.uint8), Normalization(scale=0.5, zero_point=10))
    tensor([-5.,  0.,  5.])
    """
    return images.to(torch.float32).sub_(normalization.zero_point).mul_(normalization.scale)


def shift(images: Tensor, offsets: Tensor, *, reach: int, fill: int) -> Tensor:
    """Move each image by its own offset.

    Args:
        images: (N, C, H, W).
        offsets: (2, N), integers from 0 to ``2 * reach``; ``reach`` leaves an image where it is, and less
            moves it down (row 0) or to the right (row 1).
        reach: Pixels that an image may move, each way.
        fill: Value of the pixels that come in at the border.
    """
    height, width = images.shape[2:]
    padded = functional.pad(images, (reach, reach, reach, reach), value=fill)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view of every shifted image, nothing is copied
    moved: Tensor = windows[torch.arange(len(images), device=images.device), :, offsets[0], offsets[1]]
    return moved


def augment(images: Tensor, augmentation: Augmentation, *, fill: int, generator: torch.Generator) -> Tensor:
    """Vary each image at random: a shift of up to an eighth of the height, then half of them mirrored, as is asked.

    Args:
        images: (N, C, H, W), uint8.
        augmentation: What to do.
        fill: Value of the pixels that come in at the border.
        generator: Source of chance, on the device of the images.
    """
    count, _, height, _ = images.shape
    if augmentation.shifts:
        reach = shift_reach(height)
        offsets = torch.randint(2 * reach + 1, (2, count), generator=generator, device=images.device)
        images = shift(images, offsets, reach=reach, fill=fill)
    if augmentation.flips:
        flipped = torch.randint(2, (count, 1, 1, 1), generator=generator, device=images.device, dtype=torch.bool)
        images = torch.where(flipped, images.flip(3), images)
    return images


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Count the batches of one pass; a single image that is left over makes none."""
    whole, rest = divmod(images, max(batch_size, 2))
    return whole + (rest > 1)


@dataclass(frozen=True, eq=False)
class TrainBatches:
    """Iterate once for one epoch, in a new order each time.

    No batch has a single image, over which batch normalisation has no variance: where one is left over, it
    waits for another epoch, and batches of one become batches of two.

    Attributes:
        images: (N, C, H, W), uint8, at least two.
        labels: N of them, on the same device.
        batch_size: Images a step.
        normalization: Turns pixels into numbers; its zero point is what comes in at the border of a shift.
        augmentation: How images are varied.
        generator: Source of chance, on the same device.
    """

    images: Tensor
    labels: Tensor
    batch_size: int
    normalization: Normalization
    augmentation: Augmentation
    generator: torch.Generator

    def __len__(self) -> int:
        return steps_per_epoch(len(self.labels), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self.labels), generator=self.generator, device=self.images.device)
        for chosen in torch.split(order, max(self.batch_size, 2))[: len(self)]:
            images = augment(
                self.images[chosen],
                self.augmentation,
                fill=self.normalization.zero_point,
                generator=self.generator,
            )
            yield Batch(normalize(images, self.normalization), self.labels[chosen])
