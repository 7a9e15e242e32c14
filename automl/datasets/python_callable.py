"""Data sets that a user's own function returns."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.datasets.dataset import Augmentation, Source, Split
from automl.errors import DatasetError

_CONTRACT = "return (train_images, train_labels, test_images, test_labels)"


def read(argument: str) -> Source:
    """Call ``MODULE:CALLABLE``, which returns ``(train_images, train_labels, test_images, test_labels)``.

    Images are uint8 arrays (N, C, H, W); labels are integer arrays (N,), from 0. What the function raises
    itself goes through, with its traceback.

    Raises:
        DatasetError: The function cannot be found, or returns something else.
    """
    returned = _function(argument)()
    if not isinstance(returned, tuple | list) or len(returned) != 4:
        size = f" of {len(returned)}" if isinstance(returned, tuple | list) else ""
        raise DatasetError(f"{argument} returned a {type(returned).__name__}{size}: {_CONTRACT}")
    train_images, train_labels, test_images, test_labels = returned
    training = _checked_split(argument, "train", train_images, train_labels)
    test = _checked_split(argument, "test", test_images, test_labels)
    return Source(training, test, Augmentation.usual(training.images))


def _function(argument: str) -> Callable[[], object]:
    module_name, _, name = argument.partition(":")
    if not module_name or not name:
        raise DatasetError(f"'python:{argument}' does not name a function: write 'python:MODULE:CALLABLE'")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise DatasetError(f"{module_name!r} cannot be imported ({error}): is its folder on PYTHONPATH?") from error
    function: Callable[[], object] | None = getattr(module, name, None)
    if not callable(function):
        raise DatasetError(f"module {module_name!r} has no function {name!r}: define it, and {_CONTRACT}")
    return function


def _checked_split(argument: str, name: str, images: object, labels: object) -> Split:
    checked_images = _array(argument, f"{name}_images", images)
    checked_labels = _array(argument, f"{name}_labels", labels)
    if checked_images.dtype != np.uint8 or checked_images.ndim != 4:
        raise DatasetError(
            f"{argument}: {name}_images is {checked_images.dtype} of shape {checked_images.shape}: "
            "give uint8 of shape (N, C, H, W)"
        )
    if 0 in checked_images.shape[1:]:
        raise DatasetError(f"{argument}: {name}_images has shape {checked_images.shape}: give images with pixels")
    if checked_labels.dtype.kind not in "iu" or checked_labels.ndim != 1:
        raise DatasetError(
            f"{argument}: {name}_labels is {checked_labels.dtype} of shape {checked_labels.shape}: "
            "give integers of shape (N,)"
        )
    if len(checked_images) != len(checked_labels):
        raise DatasetError(
            f"{argument}: {len(checked_images)} {name}_images but {len(checked_labels)} {name}_labels: "
            "give one label an image"
        )
    return Split(checked_images, checked_labels.astype(np.int64))


def _array(argument: str, name: str, value: object) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise DatasetError(f"{argument}: {name} is a {type(value).__name__}: give a NumPy array")
    return value
