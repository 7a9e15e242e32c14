"""Turns what a source read into a data set: checks it, splits it, and takes its statistics."""

import hashlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from automl.core.dataset_spec import DatasetSpec
from automl.core.image import InputConvention
from automl.datasets.dataset import Dataset, Source, Split
from automl.datasets.inspection import refuse_empty_content, split_notes
from automl.datasets.splitting import Splits, split_source
from automl.datasets.task_of_labels import task_of_labels
from automl.errors import DatasetError, PluginError
from automl.registry import DATASET, TASK
from automl.task import Task


def assemble(spec: str, source: Source, task: str | None = None) -> Dataset:
    """Check and split a source.

    Args:
        spec: What the user wrote.
        source: What was read.
        task: Name of what a network shall do with it; the task of such labels where absent.

    Raises:
        DatasetError: A split is empty or too small, the shapes differ, a label is not one of the task, or the images or
            the labels are all the same.
        PluginError: There is no such task.
    """
    found = _checked_task(spec, source, task)
    names = source.class_names if len(source.class_names or ()) >= found.outputs else None
    splits = Splits(*map(_laid_out, split_source(source, found.strata)))
    refuse_empty_content(spec, splits.train)
    published = {"validation": source.validation, "test": source.test}
    cut = [name for name, split in published.items() if split is None]
    convention = DatasetSpec.parse(spec).input or source.input or InputConvention.STANDARDIZED
    return Dataset(
        spec=spec,
        train=splits.train,
        validation=splits.validation,
        test=splits.test,
        task=found,
        input=convention,
        normalization=convention.normalization(*_pixel_statistics(splits.train.images)),
        augmentation=source.augmentation,
        fingerprint=_fingerprint(convention, *splits),
        notes=(
            *source.notes,
            *_cut_note(cut, splits),
            *split_notes(splits, found, names=names, cut=cut),
        ),
        class_names=names,
    )


def _laid_out(split: Split) -> Split:
    """Lay images out as another process gets them: where the strides differ, torch adds up in another order."""
    images = np.empty(split.images.shape, dtype=split.images.dtype)
    if images.strides == split.images.strides:
        return split
    images[...] = split.images
    return replace(split, images=images)


def _checked_task(spec: str, source: Source, name: str | None) -> Task:
    held_out = {"validation": source.validation, "test": source.test}
    splits = {"training": source.training} | {name: split for name, split in held_out.items() if split is not None}
    for split_name, split in splits.items():
        if len(split) == 0:
            raise DatasetError(f"{spec}: the {split_name} set is empty: give at least one image a class")
        if split.images.shape[1:] != source.training.images.shape[1:]:
            raise DatasetError(
                f"{spec}: {split_name} images have shape {split.images.shape[1:]}, training images "
                f"{source.training.images.shape[1:]}: give all images one size and one number of channels"
                f"{_shape_advice(spec, source.training)}"
            )
    labels = {name: split.labels for name, split in splits.items()}
    try:
        kind = task_of_labels(source.training.labels.dtype) if name is None else TASK.load(name)
        with TASK.answering(kind.name, DatasetError):
            return kind.of(labels)
    except DatasetError as error:
        raise DatasetError(f"{spec}: {error}") from error


def takes_pictures(kind: str) -> bool:
    """Say whether data sets of a kind hold pictures, which can be resized; none does that cannot be used."""
    with suppress(PluginError):
        return kind in DATASET.installed() and DATASET.load(kind).takes_pictures
    return False


def _shape_advice(spec: str, training: Split) -> str:
    """Write what makes the pictures of all splits alike; nothing where they are no pictures."""
    parsed = DatasetSpec.parse(spec)
    if not takes_pictures(parsed.kind):
        return ""
    _, channels, height, width = training.images.shape
    alike = {"resize": f"{width}x{height}", "convert": "grey" if channels == 1 else "rgb"}
    return f", as in {parsed.asking(alike)}"


def _cut_note(cut: list[str], splits: Splits) -> list[str]:
    """Say which images are set aside where only a validation set was published, since that is seldom meant."""
    if cut != ["test"]:
        return []
    return [f"there is no test set beside the validation set: {len(splits.test)} training images are set aside as test"]


def _pixel_statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Give mean and standard deviation from a histogram: exact, and without a float copy of the images."""
    histogram = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), 1024):
        histogram += np.bincount(images[start : start + 1024].ravel(), minlength=256)
    values = np.arange(256)
    mean = float(np.average(values, weights=histogram))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=histogram)))


def _fingerprint(convention: InputConvention, *splits: Split) -> str:
    digest = hashlib.sha256()
    if convention is not InputConvention.STANDARDIZED:
        digest.update(convention.encode())
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(split.labels.astype("<f4" if split.labels.dtype.kind == "f" else "<i8").data)
        if split.labels.ndim > 1:
            digest.update(repr(split.labels.shape).encode())
    return digest.hexdigest()
