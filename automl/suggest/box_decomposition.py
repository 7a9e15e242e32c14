"""Decomposes the region that a front does not dominate into boxes: there a new trial improves the hypervolume."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from automl.core.pareto import Losses
from automl.suggest.encoding import Matrix

_SWEPT = 3
"""Objectives that the sweep handles at once."""


class Boxes(NamedTuple):
    """Boxes that do not overlap.

    Attributes:
        lower: One row a box, one column an objective; minus infinity where the box is open.
        upper: Likewise, always finite.
    """

    lower: Matrix
    upper: Matrix


def box_decomposition(points: Sequence[Losses], reference: Losses) -> Boxes:
    """Decompose the region that no point dominates, up to the reference point, into boxes that do not overlap.

    A sweep along the third objective over the staircase of the first two (as in Yang et al. 2019, "Efficient
    computation of expected hypervolume improvement"): at most twice as many boxes as points, and one more. Each
    further objective multiplies them by the number of points.

    Args:
        points: Losses; those that do not beat the reference in every objective change nothing.
        reference: The reference point of the hypervolume, one loss an objective.
    """
    inside = [tuple(p) for p in points if all(value < limit for value, limit in zip(p, reference, strict=True))]
    found = _slabs(inside, tuple(reference))
    corners = np.array(found, dtype=float).reshape(-1, 2, len(reference))
    return Boxes(corners[:, 0], corners[:, 1])


Box = tuple[tuple[float, ...], tuple[float, ...]]


def _slabs(points: list[tuple[float, ...]], reference: tuple[float, ...]) -> list[Box]:
    if len(reference) <= _SWEPT:
        return _swept(points, reference)
    levels = sorted({point[-1] for point in points})
    boxes: list[Box] = []
    for floor, ceiling in zip([-math.inf, *levels], [*levels, reference[-1]], strict=True):
        below = [point[:-1] for point in points if point[-1] <= floor]
        boxes += [((*low, floor), (*high, ceiling)) for low, high in _slabs(below, reference[:-1])]
    return boxes


class _Strip(NamedTuple):
    """The region not dominated over an interval of the first objective, at the level that the sweep has reached."""

    left: float
    right: float
    top: float
    since: float


def _swept(points: list[tuple[float, ...]], reference: tuple[float, ...]) -> list[Box]:
    objectives = len(reference)
    absent = (-math.inf,) * (_SWEPT - objectives)
    right, top, end = (0.0,) * len(absent) + reference
    strips = [_Strip(-math.inf, right, top, -math.inf)]
    boxes: list[Box] = []
    for x, y, z in sorted((absent + point for point in points), key=lambda point: point[-1]):
        covered = [strip for strip in strips if strip.right > x and strip.top > y]
        if not covered:
            continue
        before = [strip for strip in strips if strip.right <= x]
        after = [strip for strip in strips if strip.right > x and strip.top <= y]
        cut = [covered[0]._replace(right=x)] if covered[0].left < x else []
        boxes += [_box(strip._replace(left=max(strip.left, x)), z, objectives) for strip in covered if strip.since < z]
        strips = [*before, *cut, _Strip(x, covered[-1].right, y, z), *after]
    return boxes + [_box(strip, end, objectives) for strip in strips if strip.top > -math.inf]


def _box(strip: _Strip, end: float, objectives: int) -> Box:
    low, high = (strip.left, -math.inf, strip.since), (strip.right, strip.top, end)
    return low[-objectives:], high[-objectives:]
