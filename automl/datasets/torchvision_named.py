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

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.dataset import Source, Split
from automl.datasets.open_images import NamedImage, upright
from automl.datasets.remarks import Remarks
from automl.datasets.stack_images import stack_images
from automl.errors import DatasetError

MIRROR_SAFE = frozenset(
    {
        "CIFAR10",
        "CIFAR100",
        "DTD",
        "FGVCAircraft",
        "Flowers102",
        "Food101",
        "OxfordIIITPet",
        "PCAM",
        "STL10",
        "StanfordCars",
    }
)
"""Data sets of photographs whose mirror images have the same class; of all others, none are made unless asked for."""


def read(spec: DatasetSpec) -> Source:
    """Read a class of ``torchvision.datasets`` that has a training and a test set.

    Files lie in the folder that the environment variable AUTOML_DATA names, else in ``~/.cache/automl/torchvision``.
    Training images are shifted, and those of ``MIRROR_SAFE`` data sets are mirrored too.

    Raises:
        DatasetError: The name is unknown, the files cannot be fetched, or the pictures differ.
    """
    root = Path(os.environ.get("AUTOML_DATA", "~/.cache/automl/torchvision")).expanduser()
    remarks = Remarks()
    training, class_names = _read_split(spec, root, remarks, is_training=True)
    test, _ = _read_split(spec, root, remarks, is_training=False)
    augmentation = Augmentation.SHIFT_AND_FLIP if spec.argument in MIRROR_SAFE else Augmentation.SHIFT
    return Source(training, test, augmentation, class_names=class_names, notes=remarks.notes())


def known_names() -> list[str]:
    """List the classes that fetch themselves and tell training from test."""
    return [name for name in datasets.__all__ if _split_argument(name)]


def _split_argument(name: str) -> str | None:
    parameters = inspect.signature(getattr(datasets, name)).parameters
    if "download" not in parameters:
        return None
    return next((argument for argument in ("train", "split") if argument in parameters), None)


def _read_split(
    spec: DatasetSpec, root: Path, remarks: Remarks, *, is_training: bool
) -> tuple[Split, tuple[str, ...] | None]:
    name, names = spec.argument, known_names()
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
    images = stack_images(_pictures(name, dataset, labels), count=len(dataset), spec=spec, remarks=remarks)
    classes = getattr(dataset, "classes", None)
    named = tuple(map(str, classes)) if isinstance(classes, list | tuple) else None
    return Split(images, np.array(labels, dtype=np.int64)), named


def _pictures(name: str, dataset: Sequence[tuple[object, object]], labels: list[int]) -> Iterator[NamedImage]:
    for index in range(len(dataset)):
        image, label = dataset[index]
        if not isinstance(image, Image.Image) or not isinstance(label, int):
            raise DatasetError(f"torchvision:{name} is not made of pictures with one class each: choose another")
        labels.append(label)
        yield NamedImage(f"image {index} of {name}", upright(image))
