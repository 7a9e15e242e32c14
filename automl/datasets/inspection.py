"""Looks at the splits for what makes a figure mean less than it seems: data without content, gaps, copies."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from automl.datasets.dataset import Split
from automl.datasets.remarks import listed
from automl.datasets.splitting import Splits
from automl.errors import DatasetError
from automl.task import Task

Label = int | float | tuple[float, ...]
"""A class, a number, or several numbers."""


def refuse_empty_content(spec: str, train: Split) -> None:
    """Refuse images that a network cannot learn from, whatever it is.

    Raises:
        DatasetError: Every pixel is the same, or every image.
    """
    first = train.images[0]
    if not all(np.array_equal(image, first) for image in train.images):
        return
    if (first == first[0, 0, 0]).all():
        raise DatasetError(
            f"{spec}: every pixel of the {len(train)} training images is {first[0, 0, 0]}: "
            "there is nothing to learn; look at how they were written"
        )
    raise DatasetError(
        f"{spec}: the {len(train)} training images are all equal: there is nothing to learn; "
        "look at how they were written"
    )


def split_notes(splits: Splits, task: Task, *, names: Sequence[str] | None, cut: Sequence[str]) -> tuple[str, ...]:
    """Say what a reader of the scores should know, a line each.

    Args:
        splits: The data set.
        task: Says which labels are of one class, and what the score is called.
        names: Of the classes; numbers where absent.
        cut: Splits that were set aside from the training images; the others were published.
    """
    digests = {name: _digests(split) for name, split in splits._asdict().items()}
    score = task.metric.replace("_", " ")
    gaps = _gaps({name: task.strata(split.labels) for name, split in splits._asdict().items()}, score, names, cut)
    return (*gaps, *_copies(digests, score), *_contradictions(splits, digests, names))


def _gaps(
    groups: Mapping[str, NDArray[np.int64]], score: str, names: Sequence[str] | None, cut: Sequence[str]
) -> list[str]:
    """Name the classes that a split lacks, and how few images those have that could not be shared out."""
    classes = 1 + max(int(own.max(initial=0)) for own in groups.values())
    counts = {name: np.bincount(own, minlength=classes) for name, own in groups.items()}
    shared = counts["train"] + sum((counts[name] for name in cut), start=np.zeros(classes, dtype=np.int64))
    too_few = [label for label in range(classes) if cut and 0 < shared[label] <= len(cut)]
    notes = []
    if too_few:
        shown = [f"{_called(label, names)} with {shared[label]}" for label in too_few]
        notes.append(
            f"classes of fewer images than splits, with none left for {' and '.join(cut)}: {listed(shown)}; "
            f"{score} says nothing about them"
        )
    for name, count in counts.items():
        missing = [_called(label, names) for label in range(classes) if count[label] == 0]
        if missing and not (name in cut and len(missing) == len(too_few)):
            notes.append(f"{name} has no image of {len(missing)} of {classes} classes: {listed(missing)}")
    return notes


def _copies(digests: Mapping[str, list[bytes]], score: str) -> list[str]:
    """Count the images of a split that another has too."""
    notes = []
    for later, earlier in (("validation", "train"), ("test", "train"), ("test", "validation")):
        known = set(digests[earlier])
        count = sum(digest in known for digest in digests[later])
        if count:
            notes.append(
                f"equal images in {earlier} and {later}: {count} of the {len(digests[later])} of {later}; "
                f"{score} on {later} flatters by as many"
            )
    return notes


def _contradictions(splits: Splits, digests: Mapping[str, list[bytes]], names: Sequence[str] | None) -> list[str]:
    """Count the images that come with more than one label."""
    labels: dict[bytes, set[Label]] = {}
    for name, split in splits._asdict().items():
        for digest, label in zip(digests[name], split.labels.tolist(), strict=True):
            labels.setdefault(digest, set()).add(tuple(label) if isinstance(label, list) else label)
    unsure = [sorted(found) for found in labels.values() if len(found) > 1]
    if not unsure:
        return []
    shown = [" and ".join(_called(label, names) for label in found) for found in unsure]
    return [f"equal images with different labels: {len(unsure)} ({listed(list(dict.fromkeys(shown)))})"]


def _digests(split: Split) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in split.images]


def _called(label: Label, names: Sequence[str] | None) -> str:
    if isinstance(label, int):
        return f"{label}" if names is None else f"{names[label]!r}"
    return f"{label:.4g}" if isinstance(label, float) else f"({', '.join(map(_number, label))})"


def _number(value: float) -> str:
    return f"{value:.4g}"
