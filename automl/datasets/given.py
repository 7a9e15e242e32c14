"""Data that a Python program hands over: arrays, or data sets of torch."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from automl.core.dataset_spec import DatasetSpec
from automl.datasets.assemble import assemble
from automl.datasets.dataset import GIVEN, Dataset
from automl.datasets.open_images import NamedImage, upright
from automl.datasets.python_callable import source_of
from automl.datasets.remarks import Remarks
from automl.datasets.stack_images import stack_images
from automl.errors import DatasetError

_SPLITS = ("train", "test", "validation")
_CONTRACT = (
    "give (train_images, train_labels, test_images, test_labels), then perhaps validation_images and "
    "validation_labels; data sets of torch; or a dictionary of train, test, validation, augmentation, class_names and "
    "input"
)
_LEVEL = 1e-3
"""Part of a level by which rounding in float32 moves a pixel that was one of 256, at most."""


def given_dataset(data: object, task: str | None = None) -> Dataset:
    """Make a data set of what was handed over.

    Args:
        data: ``(train_images, train_labels, test_images, test_labels)``, arrays or tensors of uint8 images
            (N, C, H, W) and labels, integers (N,) where they are classes, floats (N,) or (N, K) where they are
            numbers, then perhaps the two of a validation set; or a data set of torch
            that has a length and gives pairs of an image and a label, or a tuple of two or three such, for training,
            test and validation; or a dictionary of ``train``, ``test``, ``validation``, ``augmentation``,
            ``class_names`` and ``input``, as a function named by ``python:`` returns it. An image of torch's is a
            picture of PIL, or a tensor (C, H, W) of uint8 or of floats from 0 to 1, which are taken for 255 levels.
        task: Name of what a network shall do with it; the task of such labels where absent.

    Raises:
        DatasetError: If it is something else, its images differ in shape, or are normalised already.
        PluginError: If there is no such task.
    """
    remarks = Remarks()
    parts = _parts(data, remarks)
    source = source_of("data", parts, verb="is", contract=_CONTRACT)
    return assemble(GIVEN, replace(source, notes=(*source.notes, *remarks.notes())), task)


def _parts(data: object, remarks: Remarks) -> object:
    """Read the data sets of torch in what was given, and name its tensors as arrays."""
    if _is_torch_dataset(data):
        data = {"train": data}
    elif isinstance(data, tuple | list) and data and all(map(_is_torch_dataset, data)):
        if len(data) > len(_SPLITS):
            raise DatasetError(f"data is {len(data)} data sets: give those for training, test and validation")
        data = dict(zip(_SPLITS, data, strict=False))
    if isinstance(data, Mapping):
        read = {name: _arrays(name, part, remarks) for name, part in data.items()}
        names = getattr(data.get("train"), "classes", None)
        if isinstance(names, tuple | list) and all(isinstance(each, str) for each in names):
            read.setdefault("class_names", list(names))
        return read
    return tuple(map(_array, data)) if isinstance(data, tuple | list) else data


def _is_torch_dataset(data: object) -> bool:
    if isinstance(data, np.ndarray | Mapping | tuple | list | str) or hasattr(data, "detach"):
        return False
    return hasattr(data, "__getitem__") or hasattr(data, "__iter__")


def _arrays(name: str, part: object, remarks: Remarks) -> object:
    if name in _SPLITS and _is_torch_dataset(part):
        return _read(name, part, remarks)
    return tuple(map(_array, part)) if name in _SPLITS and isinstance(part, tuple | list) else part


def _array(value: object) -> object:
    """Turn a tensor into the array that it is; leave all else to be refused by its name."""
    detach = getattr(value, "detach", None)
    return value if detach is None else detach().cpu().numpy()


def _read(name: str, dataset: Any, remarks: Remarks) -> tuple[NDArray[np.uint8], NDArray[Any]]:  # noqa: ANN401 # duck typed, as by torch
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise DatasetError(
            f"data: the {name} set, a {type(dataset).__name__}, has no length and no items by number: "
            "give one that has, or arrays"
        )
    if len(dataset) == 0:
        raise DatasetError(f"data: the {name} set is empty: give at least one image a class")
    first, again = _image(dataset[0]), _image(dataset[0])
    if not np.array_equal(np.asarray(_array(first)), np.asarray(_array(again))):
        raise DatasetError(
            f"data: the first image of the {name} set differs when it is read twice: leave random transforms out of "
            "it, and say augmentation='shift_and_flip'"
        )
    labels: list[NDArray[Any]] = []
    if isinstance(first, Image.Image):
        spec = DatasetSpec(kind=GIVEN)
        images = stack_images(_pictures(name, dataset, labels), count=len(dataset), spec=spec, remarks=remarks)
        return images, _stacked(name, labels)
    pixels = np.stack([_pixels(name, index, dataset, labels, remarks) for index in range(len(dataset))])
    return pixels, _stacked(name, labels)


def _pictures(name: str, dataset: Any, labels: list[NDArray[Any]]) -> Iterator[NamedImage]:  # noqa: ANN401 # duck typed
    for index in range(len(dataset)):
        item = dataset[index]
        image = _image(item)
        if not isinstance(image, Image.Image):
            raise DatasetError(
                f"data: image {index} of the {name} set is a {type(image).__name__}, the first a picture"
            )
        labels.append(_label(name, index, item))
        yield NamedImage(f"image {index} of the {name} set", upright(image))


def _pixels(name: str, index: int, dataset: Any, labels: list[NDArray[Any]], remarks: Remarks) -> NDArray[np.uint8]:  # noqa: ANN401 # duck typed
    item = dataset[index]
    labels.append(_label(name, index, item))
    called, image = f"image {index} of the {name} set", _array(_image(item))
    if not isinstance(image, np.ndarray) or image.ndim != 3:
        shape = f" of shape {image.shape}" if isinstance(image, np.ndarray) else ""
        raise DatasetError(f"data: {called} is a {type(image).__name__}{shape}: give tensors of shape (C, H, W)")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f" or not (image.min() >= 0 and image.max() <= 1):
        raise DatasetError(
            f"data: {called} is {image.dtype} from {image.min():.3g} to {image.max():.3g}: give uint8, or floats from "
            "0 to 1 as ToTensor gives them; leave Normalize out, which the deployed file does itself"
        )
    levels = image.astype(np.float64) * 255
    if np.abs(levels - np.rint(levels)).max() > _LEVEL:
        remarks.add("images of floats between two of 256 levels, rounded to the nearest", called)
    remarks.add("images of floats from 0 to 1, read as levels from 0 to 255", called)
    return np.rint(levels).astype(np.uint8)


def _image(item: object) -> object:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DatasetError(f"data: an item is a {type(item).__name__}: give pairs of an image and a label")
    return item[0]


def _label(name: str, index: int, item: Any) -> NDArray[Any]:  # noqa: ANN401 # duck typed, as by torch
    label = np.asarray(_array(item[1]))
    if label.dtype.kind == "f" and label.ndim <= 1 and label.size:
        return label.astype(np.float32)
    if label.dtype.kind not in "iu" or label.size != 1:
        raise DatasetError(
            f"data: the label of image {index} of the {name} set is {item[1]!r}: give one integer, from 0, where "
            "labels are classes; one float, or a tensor of floats, where they are numbers"
        )
    return label.reshape(()).astype(np.int64)


def _stacked(name: str, labels: list[NDArray[Any]]) -> NDArray[Any]:
    first = labels[0]
    odd = [at for at, label in enumerate(labels) if (label.dtype, label.shape) != (first.dtype, first.shape)]
    if odd:
        raise DatasetError(
            f"data: the label of image {odd[0]} of the {name} set is {labels[odd[0]].tolist()!r}, that of image 0 "
            f"{first.tolist()!r}: give labels of one kind"
        )
    return np.stack(labels)
