"""Data sets as folders of pictures, one folder a class."""

from pathlib import Path

import numpy as np

from automl.datasets.dataset import Augmentation, Source, Split
from automl.datasets.stack_images import open_images, stack_images
from automl.errors import DatasetError

_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def read(argument: str) -> Source:
    """Read ``DIR/<class>/*.png`` and the like, or ``DIR/train/<class>`` with ``DIR/test/<class>``.

    Classes are numbered in the order of their names.

    Raises:
        DatasetError: A folder is missing or empty, or a picture cannot be read or differs from the others.
    """
    folder = Path(argument).expanduser()
    if not argument or not folder.is_dir():
        raise DatasetError(f"there is no folder {argument!r}: write 'imagefolder:DIR' with one sub-folder a class")
    has_train, has_test = (folder / "train").is_dir(), (folder / "test").is_dir()
    if has_train != has_test:
        missing = "test" if has_train else "train"
        raise DatasetError(f"{folder} has no {missing}/ beside its other split: add it, or put the classes at the top")
    training_folder = folder / "train" if has_train else folder
    classes = _classes(training_folder)
    training = _read_split(training_folder, classes)
    test = _read_split(folder / "test", classes) if has_test else None
    return Source(training, test, Augmentation.usual(training.images))


def _classes(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _read_split(folder: Path, classes: list[str]) -> Split:
    unknown = sorted(set(_classes(folder)) - set(classes))
    if unknown:
        raise DatasetError(f"{folder / unknown[0]} is a class without training images: add them or remove it")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(path for path in (folder / name).rglob("*") if path.suffix.lower() in _SUFFIXES)
        if not found:
            raise DatasetError(f"{folder / name} holds no pictures: add some ({', '.join(sorted(_SUFFIXES))})")
        paths += found
        labels += [label] * len(found)
    if not paths:
        raise DatasetError(f"{folder} has no sub-folders: make one a class")
    images = stack_images(open_images((str(path), path) for path in paths), count=len(paths))
    return Split(images, np.array(labels, dtype=np.int64))
