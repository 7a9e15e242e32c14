"""What a data set is: raw uint8 images in three splits, cut by one rule that anybody can repeat."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from automl.core.image import ImageShape, Normalization
from automl.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8, (N, C, H, W).
        labels: int64, (N,), from 0.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


class Augmentation(StrEnum):
    """How training images are varied; a shift goes up to an eighth of the height, at least one pixel."""

    NONE = "none"
    SHIFT = "shift"
    SHIFT_AND_FLIP = "shift_and_flip"

    @classmethod
    def usual(cls, images: NDArray[np.uint8]) -> "Augmentation":
        """Flip colour images; one channel often holds digits or letters, which have no mirror image."""
        return cls.SHIFT if images.shape[1] == 1 else cls.SHIFT_AND_FLIP


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as it was published, before validation images are taken from it.

    Attributes:
        training: All images that training and validation may see.
        test: The published test set; None where there is none.
        augmentation: What leaves the class of these images as it is.
    """

    training: Split
    test: Split | None
    augmentation: Augmentation


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training sees ``train``, the search sees ``validation``, and ``test`` is read once, at the end.

    Attributes:
        spec: What the user wrote, for example ``parquet:data/cifar10``.
        train: Images to train on, in random order: the first so many are a fair sample.
        validation: Images that choose between networks.
        test: Images for the last word.
        classes: Number of classes.
        normalization: Turns pixels into zero mean and unit variance over ``train``.
        augmentation: How ``train`` is varied.
        fingerprint: SHA-256 over shapes, images and labels of all splits.
        notes: What a user should know of how the data was read, a line each.
    """

    spec: str
    train: Split
    validation: Split
    test: Split
    classes: int
    normalization: Normalization
    augmentation: Augmentation
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> ImageShape:
        """Channels, height and width, the same for every image."""
        _, channels, height, width = self.train.images.shape
        return ImageShape(channels=channels, height=height, width=width)


def split_validation(training: Split, test: Split | None) -> tuple[Split, Split, Split]:
    """Cut a published data set into train, validation and test, the same on every machine.

    The order is ``numpy.random.default_rng(0).permutation(n)`` over the training images. With a test set,
    the first ``min(5000, n // 5)`` are for validation. Without one, the first ``n // 5`` are for test and
    the next ``n // 5`` for validation. All others are for training, in permuted order.

    >>> published = Split(np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1), np.arange(10))
    >>> order = np.random.default_rng(0).permutation(10)
    >>> train, validation, test = split_validation(published, None)
    >>> [(test.labels == order[:2]).all(), (validation.labels == order[2:4]).all(), (train.labels == order[4:]).all()]
    [np.True_, np.True_, np.True_]

    Raises:
        DatasetError: There are fewer than five training images.
    """
    count = len(training)
    fifth = count // 5
    if fifth == 0:
        raise DatasetError(f"{count} training images are too few to split: give at least 5")
    order = np.random.default_rng(0).permutation(count)
    if test is None:
        return (
            _take(training, order[2 * fifth :]),
            _take(training, order[fifth : 2 * fifth]),
            _take(training, order[:fifth]),
        )
    held_out = min(5000, fifth)
    return _take(training, order[held_out:]), _take(training, order[:held_out]), test


def _take(split: Split, indices: NDArray[np.int64]) -> Split:
    return Split(images=split.images[indices], labels=split.labels[indices])
