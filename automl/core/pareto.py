"""Pareto fronts and their hypervolume."""

import math
from collections.abc import Sequence

import moocore
import numpy as np

from automl.core.direction import Direction
from automl.core.installed_metrics import metric_named
from automl.core.objective import Objective
from automl.core.trial import Trial

Losses = Sequence[float]
"""One number an objective, each better the smaller it is."""


def non_dominated(points: Sequence[Losses]) -> list[int]:
    """Find the points that no other point dominates.

    >>> non_dominated([(1, 4), (2, 2), (3, 3), (2, 2)])
    [0, 1, 3]

    Args:
        points: Losses, all of one length.

    Returns:
        Indices in the order given; equal points are all kept.
    """
    if not points:
        return []
    kept = moocore.is_nondominated(np.array(points, dtype=float), keep_weakly=True)
    return [int(index) for index in np.flatnonzero(kept)]


def hypervolume(points: Sequence[Losses], reference: Losses) -> float:
    """Measure the volume that ``points`` dominate, up to ``reference`` (Zitzler and Thiele, 1998).

    >>> hypervolume([(1.0, 2.0), (2.0, 1.0)], (3.0, 3.0))
    3.0

    Args:
        points: Losses; those that do not beat the reference in every objective add nothing.
        reference: The worst corner, one loss an objective.
    """
    if not points:
        return 0.0
    return float(moocore.hypervolume(np.array(points, dtype=float), ref=np.array(reference, dtype=float)))


def losses(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """Turn a trial's metrics into losses, one an objective; see ``Trial.judged``."""
    return tuple(objective.loss(trial.judged(objective.metric)) for objective in objectives)


def pareto_front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Keep the feasible trials that no other feasible trial dominates, best first objective first.

    A trial that lacks an objective, or has one that is not a number, cannot be compared and is left out.
    """
    candidates = _comparable(trials, objectives)
    points = [losses(trial, objectives) for trial in candidates]
    front = [candidates[index] for index in non_dominated(points)]
    return sorted(front, key=lambda trial: losses(trial, objectives))


def front_hypervolume(trials: Sequence[Trial], objectives: Sequence[Objective]) -> float:
    """Say which share of the box from the worst to the perfect network the front dominates, 0 to 1.

    The perfect network has the best value of each metric that has one, such as accuracy 1, and needs nothing. The
    worst corner is the worst value, such as accuracy 0, and for every other metric the worst that a feasible trial
    has had so far: it moves outward as a search goes on, so compare shares within one list of trials.
    """
    feasible = _comparable(trials, objectives)
    if not feasible:
        return 0.0
    points = [losses(trial, objectives) for trial in feasible]
    columns = zip(*points, strict=True)
    corners = [_corners(objective, column) for objective, column in zip(objectives, columns, strict=True)]
    shares = [
        [(loss - best) / (worst - best) for loss, (best, worst) in zip(point, corners, strict=True)] for point in points
    ]
    return hypervolume([shares[index] for index in non_dominated(shares)], [1.0] * len(objectives))


def _comparable(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    return [
        trial
        for trial in trials
        if trial.is_feasible
        and not any(math.isnan(trial.metrics.get(objective.metric, math.nan)) for objective in objectives)
    ]


def _corners(objective: Objective, column: tuple[float, ...]) -> tuple[float, float]:
    """Give the best and the worst loss of the box, never equal."""
    metric = metric_named(objective.metric)
    worst = max(column)
    if metric.has_errors:
        return (objective.loss(metric.high), objective.loss(metric.low))
    best = min(column) if objective.direction is Direction.MAX else min(0.0, *column)
    return (best, worst) if worst > best else (best, best + 1.0)
