"""Orders points of several objectives: by non-dominated rank first, then those that lie far from the others."""

import math
from collections.abc import Sequence

from automl.core.pareto import Losses, non_dominated


def best_first(points: Sequence[Losses]) -> list[int]:
    """Order points layer by layer, and each layer so that its first few already span it.

    A layer is what no other point dominates once the layers before it are gone (Deb et al., NSGA-II, 2002). Within
    one, each next point is the one farthest from those before it, objectives scaled to their range (Schmucker et
    al., Multi-objective Asynchronous Successive Halving, 2021); it begins with the best of the first objective.

    >>> best_first([(0.0, 9.0), (1.0, 8.0), (9.0, 0.0), (9.0, 9.0)])
    [0, 2, 1, 3]

    Args:
        points: Losses, all of one length.

    Returns:
        Indices, best first.
    """
    scaled = _scaled(points)
    left = list(range(len(points)))
    order: list[int] = []
    while left:
        layer = [left[index] for index in non_dominated([points[index] for index in left])]
        order += _farthest_first(scaled, layer)
        left = [index for index in left if index not in set(layer)]
    return order


def _farthest_first(points: Sequence[Losses], layer: Sequence[int]) -> list[int]:
    first = min(layer, key=lambda index: tuple(points[index]))
    order = [first]
    distances = {index: math.dist(points[index], points[first]) for index in layer if index != first}
    while distances:
        farthest = max(distances, key=lambda index: (distances[index], -index))
        del distances[farthest]
        order.append(farthest)
        distances = {
            index: min(distance, math.dist(points[index], points[farthest])) for index, distance in distances.items()
        }
    return order


def _scaled(points: Sequence[Losses]) -> list[tuple[float, ...]]:
    bounds = [(min(column), max(column)) for column in zip(*points, strict=True)]
    return [
        tuple(
            (value - low) / (high - low) if high > low else 0.0
            for value, (low, high) in zip(point, bounds, strict=True)
        )
        for point in points
    ]
