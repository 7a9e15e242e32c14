"""Turns what a source read into a data set: checks it, splits it, and takes its statistics."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from automl.core.image import Normalization
from automl.datasets.dataset import Dataset, Source, Split, split_validation
from automl.errors import DatasetError


def assemble(spec: str, source: Source) -> Dataset:
    """Check and split a source.

    Raises:
        DatasetError: A split is empty or too small, the shapes differ, or a label is out of range.
    """
    classes = _checked_classes(spec, source)
    train, validation, test = split_validation(source.training, source.test)
    mean, std = _pixel_statistics(train.images)
    return Dataset(
        spec=spec,
        train=train,
        validation=validation,
        test=test,
        classes=classes,
        normalization=Normalization.from_statistics(mean, std),
        augmentation=source.augmentation,
        fingerprint=_fingerprint(train, validation, test),
    )


def _checked_classes(spec: str, source: Source) -> int:
    splits = {"training": source.training} | ({} if source.test is None else {"test": source.test})
    for name, split in splits.items():
        if len(split) == 0:
            raise DatasetError(f"{spec}: the {name} set is empty: give at least one image a class")
        if split.labels.min() < 0:
            raise DatasetError(f"{spec}: the {name} set has the label {split.labels.min()}: number classes from 0")
        if split.images.shape[1:] != source.training.images.shape[1:]:
            raise DatasetError(
                f"{spec}: test images have shape {split.images.shape[1:]}, training images "
                f"{source.training.images.shape[1:]}: give all images one size and one number of channels"
            )
    classes = int(source.training.labels.max()) + 1
    if classes < 2:
        raise DatasetError(f"{spec}: all training labels are 0: give at least two classes")
    if classes > len(source.training):
        raise DatasetError(
            f"{spec}: the label {classes - 1} is out of range for {len(source.training)} training images: "
            "number classes from 0 without gaps"
        )
    if source.test is not None and source.test.labels.max() >= classes:
        raise DatasetError(
            f"{spec}: the test set has the label {source.test.labels.max()}, but training labels end at {classes - 1}: "
            "give training images of every class"
        )
    return classes


def _pixel_statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Give mean and standard deviation from a histogram: exact, and without a float copy of the images."""
    histogram = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), 1024):
        histogram += np.bincount(images[start : start + 1024].ravel(), minlength=256)
    values = np.arange(256)
    mean = float(np.average(values, weights=histogram))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=histogram)))


def _fingerprint(*splits: Split) -> str:
    digest = hashlib.sha256()
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(split.labels.astype("<i8").data)
    return digest.hexdigest()
