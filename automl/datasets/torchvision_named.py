"""Data sets that torchvision knows by name, fetched when first used."""

import contextlib
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torchvision import datasets

from automl.datasets.dataset import Augmentation, Source, Split
from automl.datasets.stack_images import NamedImage, stack_images
from automl.errors import DatasetError

_MIRRORING_CHANGES_CLASS = frozenset({"SVHN", "GTSRB"})


def read(argument: str) -> Source:
    """Read a class of ``torchvision.datasets`` that has a training and a test set.

    Files lie in the folder that the environment variable AUTOML_DATA names, else in ``~/.cache/automl/torchvision``.

    Raises:
        DatasetError: The name is unknown, the files cannot be fetched, or the pictures differ.
    """
    root = Path(os.environ.get("AUTOML_DATA", "~/.cache/automl/torchvision")).expanduser()
    training = _read_split(argument, root, is_training=True)
    test = _read_split(argument, root, is_training=False)
    usual = Augmentation.usual(training.images)
    return Source(training, test, Augmentation.SHIFT if argument in _MIRRORING_CHANGES_CLASS else usual)


def known_names() -> list[str]:
    """List the classes that fetch themselves and tell training from test."""
    return [name for name in datasets.__all__ if _split_argument(name)]


def _split_argument(name: str) -> str | None:
    parameters = inspect.signature(getattr(datasets, name)).parameters
    if "download" not in parameters:
        return None
    return next((argument for argument in ("train", "split") if argument in parameters), None)


def _read_split(name: str, root: Path, *, is_training: bool) -> Split:
    names = known_names()
    if name not in names:
        lowered = {known.lower(): known for known in names}
        nearest = [lowered[match] for match in get_close_matches(name.lower(), lowered)] or names
        raise DatasetError(f"torchvision has no data set {name!r} with a test set: try {', '.join(nearest)}")
    chosen: dict[str, Any] = (
        {"train": is_training} if _split_argument(name) == "train" else {"split": "train" if is_training else "test"}
    )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):  # torchvision prints its progress, and ours may be a JSON document
            dataset = getattr(datasets, name)(root, download=True, **chosen)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatasetError(
            f"torchvision:{name} cannot be fetched ({reason}): copy its files to {root}, "
            "or set AUTOML_DATA to the folder that holds them"
        ) from error
    labels: list[int] = []
    images = stack_images(_pictures(name, dataset, labels), count=len(dataset))
    return Split(images, np.array(labels, dtype=np.int64))


def _pictures(name: str, dataset: Sequence[tuple[object, object]], labels: list[int]) -> Iterator[NamedImage]:
    for index in range(len(dataset)):
        image, label = dataset[index]
        if not isinstance(image, Image.Image) or not isinstance(label, int):
            raise DatasetError(f"torchvision:{name} is not made of pictures with one class each: choose another")
        labels.append(label)
        yield NamedImage(f"image {index} of {name}", image)
