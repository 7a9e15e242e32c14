"""What a data set is: raw uint8 images in three splits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.core.augmentation import Augmentation
from automl.core.data_description import DataDescription
from automl.core.image import ImageShape, InputConvention, Normalization
from automl.task import Task

GIVEN = "given"
"""What stands in the place of a spec where the data were handed over by a Python program."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8, (N, C, H, W).
        labels: What a network shall answer, N of them: int64, (N,), from 0, where they are classes; float32, (N,) or
            (N, K), where they are numbers.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)


def safe_augmentation(labels: NDArray[Any]) -> Augmentation:
    """Give what hardly changes the label of an image: a shift keeps a class, and may change a number."""
    return Augmentation.NONE if labels.dtype.kind == "f" else Augmentation.SHIFT


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as it was published, before images are set aside from its training set.

    Attributes:
        training: All images that training may see.
        test: The published test set; None where there is none.
        augmentation: How training images are varied where the user does not say: what leaves their class as it is.
        validation: The published validation set; None where there is none.
        class_names: Name of each label; None where labels have none.
        notes: What a user should know of how the data was read, a line each.
        input: Which numbers networks are given for the pixels, where the user does not say.
    """

    training: Split
    test: Split | None
    augmentation: Augmentation
    validation: Split | None = None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    input: InputConvention | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training sees ``train``, the search sees ``validation``, and ``test`` is read once, at the end.

    Attributes:
        spec: What the user wrote, for example ``parquet:data/cifar10``.
        train: Images to train on, in random order: the first so many are a fair sample.
        validation: Images that choose between networks, in random order too.
        test: Images for the last word.
        task: What a network shall do with them.
        normalization: Turns pixels into what networks are given, as ``input`` says.
        augmentation: How ``train`` is varied where the user does not say.
        fingerprint: SHA-256 over shapes, images and labels of all splits, and ``input`` where it is not the usual one.
        notes: What a user should know of how the data was read, a line each.
        class_names: Name of each label; None where labels have none.
        input: Which numbers networks are given for the pixels.
    """

    spec: str
    train: Split
    validation: Split
    test: Split
    task: Task
    normalization: Normalization
    augmentation: Augmentation
    fingerprint: str
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    input: InputConvention = InputConvention.STANDARDIZED

    @property
    def image_shape(self) -> ImageShape:
        """Channels, height and width, the same for every image."""
        _, channels, height, width = self.train.images.shape
        return ImageShape(channels=channels, height=height, width=width)

    @property
    def description(self) -> DataDescription:
        """What is kept of it where it is not: what the user of a deployed file must know."""
        channels, height, width = self.image_shape
        return DataDescription(
            task=self.task.name,
            gives_classes=self.task.distance == "kl",
            outputs=self.task.outputs,
            channels=channels,
            height=height,
            width=width,
            class_names=self.class_names,
            images={"train": len(self.train), "validation": len(self.validation), "test": len(self.test)},
            notes=self.notes,
        )
