"""Data sets as folders of pictures, one folder a class."""

from pathlib import Path

import numpy as np

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.class_folders import (
    SUFFIXES,
    class_names,
    note_loose_pictures,
    picture_files,
    split_layout,
    unread_note,
)
from automl.datasets.dataset import Source, Split
from automl.datasets.open_images import open_images
from automl.datasets.remarks import Remarks
from automl.datasets.stack_images import stack_images
from automl.errors import DatasetError


def read(spec: DatasetSpec) -> Source:
    """Read ``DIR/<class>/*.png`` and the like, or ``DIR/train/<class>`` with ``DIR/test/<class>``, ``DIR/val/<class>``.

    Classes are numbered in the order of their names. Nothing says whether a mirror image keeps its class, so that
    training images are shifted alone.

    Raises:
        DatasetError: A folder is missing or empty, or a picture cannot be read or differs from the others.
    """
    folder = Path(spec.argument).expanduser()
    if not spec.argument or not folder.is_dir():
        raise DatasetError(f"there is no folder {spec.argument!r}: write 'imagefolder:DIR' with one sub-folder a class")
    layout, remarks = split_layout(folder), Remarks()
    splits = layout.splits
    if len(splits) == 1 and splits["train"] != folder:
        raise DatasetError(
            f"{folder} has no test/ beside its {splits['train'].name}/: add it, or put the classes at the top"
        )
    classes = class_names(splits["train"])
    read_splits = {name: _read_split(path, name, classes, spec, remarks) for name, path in splits.items()}
    return Source(
        read_splits["train"],
        read_splits.get("test"),
        Augmentation.SHIFT,
        validation=read_splits.get("validation"),
        class_names=tuple(classes),
        notes=(*unread_note(folder, layout), *remarks.notes()),
    )


def _read_split(folder: Path, split: str, classes: list[str], spec: DatasetSpec, remarks: Remarks) -> Split:
    unknown = sorted(set(class_names(folder)) - set(classes))
    if unknown:
        raise DatasetError(f"{folder / unknown[0]} is a class without training images: add them or remove it")
    note_loose_pictures(folder, remarks)
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        if not (folder / name).is_dir():
            continue  # a test set may lack a class: the data set says so
        found = picture_files(folder / name, remarks)
        if not found and split == "train":
            raise DatasetError(f"{folder / name} holds no pictures: add some ({', '.join(sorted(SUFFIXES))})")
        paths += found
        labels += [label] * len(found)
    if not paths:
        missing = "holds no pictures in its class folders" if classes else "has no sub-folders: make one a class"
        raise DatasetError(f"{folder} {missing}")
    pictures = open_images(((str(path), path) for path in paths), remarks)
    images = stack_images(pictures, count=len(paths), spec=spec, remarks=remarks)
    return Split(images, np.array(labels, dtype=np.int64))
