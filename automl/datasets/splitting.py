"""The one rule that cuts a data set, class by class where labels are classes, which anybody can repeat."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl.datasets.dataset import Source, Split
from automl.errors import DatasetError

_LARGEST_VALIDATION = 5000


class Splits(NamedTuple):
    """Images to train on, to choose with, and for the last word."""

    train: Split
    validation: Split
    test: Split


Strata = Callable[[NDArray[Any]], NDArray[np.int64]]
"""From labels to the group of each, of which every split gets its share: the classes, or one for all."""


def by_label(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Take labels that are classes for the groups."""
    return labels.astype(np.int64)


def split_source(source: Source, strata: Strata = by_label) -> Splits:
    """Cut a published data set into train, validation and test, the same on every machine.

    What is published stays as it is: a test set in its own order, a validation set in the order of
    ``numpy.random.default_rng(0).permutation``. What is missing is set aside from the n training images, which
    are put in the order ``default_rng(0).permutation(n)``. Of the k images of each group in that order, the
    first ``round(k / 5)`` are for test, where test is missing; the next ``round(k / 5)`` are for validation, where
    that is missing. Beside a published test set, validation takes ``round(k * min(5000, n // 5) / n)`` instead. A
    class gives each split at least one image where it has one for each and one more to train on, and none otherwise.
    All other images are for training. Each split is in permuted order.

    >>> from automl.core.augmentation import Augmentation
    >>> labels = np.repeat([0, 1], [10, 15])
    >>> published = Split(np.arange(25, dtype=np.uint8).reshape(25, 1, 1, 1), labels)
    >>> order = np.random.default_rng(0).permutation(25)
    >>> of_class = [order[labels[order] == c] for c in (0, 1)]
    >>> expected_test = np.isin(order, np.concatenate([of_class[0][:2], of_class[1][:3]]))
    >>> expected_validation = np.isin(order, np.concatenate([of_class[0][2:4], of_class[1][3:6]]))
    >>> train, validation, test = split_source(Source(published, None, Augmentation.NONE))
    >>> bool((test.images.ravel() == order[expected_test]).all())
    True
    >>> bool((validation.images.ravel() == order[expected_validation]).all())
    True
    >>> bool((train.images.ravel() == order[~(expected_test | expected_validation)]).all())
    True

    Args:
        source: As it was published.
        strata: Groups the labels.

    Raises:
        DatasetError: There are fewer than five training images to set some aside from, or no class has enough of them
            to give each split one.
    """
    training, validation, test = source.training, source.validation, source.test
    order = np.random.default_rng(0).permutation(len(training))
    shares = []  # of test, then of validation, as numerator and denominator
    if test is None:
        shares.append((1, 5))
    if validation is None:
        shares.append((1, 5) if test is None else (min(_LARGEST_VALIDATION, len(training) // 5), len(training)))
    if shares and len(training) < 5:
        raise DatasetError(f"{len(training)} training images are too few to split: give at least 5")
    groups = strata(training.labels)
    cuts = _set_aside(order, groups, shares)
    if any(len(cut) == 0 for cut in cuts):
        most = int(np.bincount(groups).max())
        raise DatasetError(
            f"no class has more than {most} training images, too few to set some aside from: give at least "
            f"{len(shares) + 1} of a class"
        )
    train = _take(training, order[~np.isin(order, np.concatenate([*cuts, np.array([], dtype=np.int64)]))])
    if test is None:
        test = _take(training, cuts.pop(0))
    if validation is None:
        validation = _take(training, cuts.pop(0))
    else:
        validation = _take(validation, np.random.default_rng(0).permutation(len(validation)))
    return Splits(train, validation, test)


def _set_aside(
    order: NDArray[np.int64], labels: NDArray[np.int64], shares: list[tuple[int, int]]
) -> list[NDArray[np.int64]]:
    """Choose the images of each split that is cut, in permuted order."""
    chosen: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    ordered = labels[order]
    for label in np.unique(labels):
        of_class = order[ordered == label]
        most = (len(of_class) - 1) // max(len(shares), 1)  # an image is left to train on
        start = 0
        for cut, (numerator, denominator) in zip(chosen, shares, strict=True):
            count = min(max(round(len(of_class) * numerator / denominator), 1), most)
            cut.append(of_class[start : start + count])
            start += count
    return [order[np.isin(order, np.concatenate(cut))] for cut in chosen]


def _take(split: Split, indices: NDArray[np.int64]) -> Split:
    return Split(images=split.images[indices], labels=split.labels[indices])
