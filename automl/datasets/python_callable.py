"""Data sets that a user's own function returns."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.core.image import InputConvention
from automl.datasets.dataset import Source, Split, safe_augmentation
from automl.errors import DatasetError

_CONTRACT = (
    "return (train_images, train_labels, test_images, test_labels), then perhaps validation_images and "
    "validation_labels, or a dictionary of train, test, validation, augmentation, class_names and input"
)
_KEYS = ("train", "test", "validation", "augmentation", "class_names", "input")
_COLOURS = (1, 3, 4)
"""How many channels pictures have."""


def read(spec: DatasetSpec) -> Source:
    """Call ``MODULE:CALLABLE``, which returns ``(train_images, train_labels, test_images, test_labels)``.

    ``validation_images, validation_labels`` may follow as a third pair. In place of all these it may return a
    dictionary: ``train``, and where there are such, ``test`` and ``validation``, each a pair of images and labels;
    ``augmentation``, one of ``none``, ``shift``, ``flip`` and ``shift_and_flip`` (where it is absent, ``shift`` for
    classes, as nothing says that a mirror image keeps its class, and ``none`` for numbers); ``class_names``, a list of
    texts; ``input``, which numbers networks are given for the pixels, one of ``standardized``, ``unit`` and ``pixels``.
    Images are uint8 arrays (N, C, H, W); labels are integer arrays (N,), from 0, where they are classes, and
    float arrays (N,) or (N, K), where they are numbers. What the function raises itself goes through, with its
    traceback.

    Raises:
        DatasetError: The function cannot be found, or returns something else.
    """
    return source_of(spec.argument, _returned(spec.argument))


def source_of(argument: str, returned: object, *, verb: str = "returned", contract: str = _CONTRACT) -> Source:
    """Check the arrays that a function returned, or that were handed over.

    Args:
        argument: What gave them, for messages.
        returned: As for ``read``.
        verb: What ``argument`` does with them.
        contract: What it should do.

    Raises:
        DatasetError: If it is something else.
    """
    parts = returned if isinstance(returned, dict) else _named(returned, f"{argument} {verb}", contract)
    unknown = [str(key) for key in parts if key not in _KEYS]
    if unknown or "train" not in parts:
        fault = f"the key {unknown[0]!r}" if unknown else "no key 'train'"
        raise DatasetError(f"{argument} {verb} a dictionary with {fault}: {contract}")
    splits = {name: _pair(argument, name, parts[name]) for name in _KEYS[:3] if parts.get(name) is not None}
    _check_one_kind(argument, {name: parts[name][1] for name in splits})
    return Source(
        splits["train"],
        splits.get("test"),
        _augmentation(argument, parts.get("augmentation"), splits["train"]),
        validation=splits.get("validation"),
        class_names=_class_names(argument, parts.get("class_names"), splits["train"]),
        notes=_order_note(argument, splits["train"]),
        input=_input(argument, parts.get("input")),
    )


def _check_one_kind(argument: str, given: Mapping[str, NDArray[Any]]) -> None:
    """Refuse labels that are classes in one split and numbers in another."""
    numbers = [name for name, labels in given.items() if labels.dtype.kind == "f"]
    classes = [name for name, labels in given.items() if labels.dtype.kind != "f"]
    if numbers and classes:
        raise DatasetError(
            f"{argument}: {numbers[0]}_labels is {given[numbers[0]].dtype}, {classes[0]}_labels "
            f"{given[classes[0]].dtype}: give integers from 0 in all where they are classes, floats in all where they "
            "are numbers"
        )


def _returned(argument: str) -> object:
    """Call the function; one that ends the process would do so without a word."""
    function = _function(argument)
    try:
        with suppress(ValueError):  # what is built into Python may tell no signature
            signature(function).bind()
    except TypeError as error:
        raise DatasetError(
            f"{argument} cannot be called without arguments: {error}; write a function that takes none"
        ) from error
    try:
        return function()
    except SystemExit as error:
        raise DatasetError(f"{argument} ended the process with {error.code!r}: {_CONTRACT}") from error


def _order_note(argument: str, training: Split) -> tuple[str, ...]:
    """Say how an array was read that looks as if its channels came last."""
    _, channels, height, width = training.images.shape
    if channels in _COLOURS or width not in _COLOURS:
        return ()
    read_as = f"{argument}: images are read as {channels} channels of {width}x{height} pixels"
    return (f"{read_as}; where channels come last, return images.transpose(0, 3, 1, 2)",)


def _named(returned: object, subject: str, contract: str) -> dict[str, Any]:
    """Give the arrays of a tuple their names."""
    if not isinstance(returned, tuple | list) or len(returned) not in (4, 6):
        size = f" of {len(returned)}" if isinstance(returned, tuple | list) else ""
        raise DatasetError(f"{subject} a {type(returned).__name__}{size}: {contract}")
    return {name: tuple(returned[2 * at : 2 * at + 2]) for at, name in enumerate(_KEYS[: len(returned) // 2])}


def _pair(argument: str, name: str, pair: object) -> Split:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DatasetError(f"{argument}: {name!r} is a {type(pair).__name__}: give a pair of images and labels")
    return _checked_split(argument, name, *pair)


def _augmentation(argument: str, stated: object, training: Split) -> Augmentation:
    if stated is None:
        return safe_augmentation(training.labels)
    if not isinstance(stated, str) or stated not in tuple(Augmentation):
        raise DatasetError(f"{argument}: augmentation {stated!r} is none of {', '.join(Augmentation)}")
    return Augmentation(stated)


def _input(argument: str, stated: object) -> InputConvention | None:
    if stated is None:
        return None
    if not isinstance(stated, str) or stated not in tuple(InputConvention):
        raise DatasetError(f"{argument}: input {stated!r} is none of {', '.join(InputConvention)}")
    return InputConvention(stated)


def _class_names(argument: str, stated: object, training: Split) -> tuple[str, ...] | None:
    if stated is None:
        return None
    if not isinstance(stated, tuple | list) or not all(isinstance(name, str) for name in stated):
        raise DatasetError(f"{argument}: class_names is {stated!r}: give a list of texts, one a class")
    if training.labels.dtype.kind == "f":
        raise DatasetError(f"{argument}: class_names, but the labels are numbers, not classes: leave them out")
    if len(training) and len(stated) <= training.labels.max():
        raise DatasetError(
            f"{argument}: {len(stated)} class_names, but a label {training.labels.max()}: name each class"
        )
    return tuple(stated)


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
    are_numbers = checked_labels.dtype.kind == "f" and checked_labels.ndim in {1, 2}
    if not are_numbers and (checked_labels.dtype.kind not in "iu" or checked_labels.ndim != 1):
        raise DatasetError(
            f"{argument}: {name}_labels is {checked_labels.dtype} of shape {checked_labels.shape}: "
            "give integers of shape (N,), from 0, where they are classes; floats of shape (N,) or (N, K) where they "
            "are numbers"
        )
    if len(checked_images) != len(checked_labels):
        raise DatasetError(
            f"{argument}: {len(checked_images)} {name}_images but {len(checked_labels)} {name}_labels: "
            "give one label an image"
        )
    return Split(checked_images, checked_labels.astype(np.float32 if are_numbers else np.int64))


def _array(argument: str, name: str, value: object) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise DatasetError(f"{argument}: {name} is a {type(value).__name__}: give a NumPy array")
    return value
