"""One number that says how good a trial is among those before it, for strategies that know no more than one."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from automl.core.objective import Objective
from automl.core.pareto import losses
from automl.core.trial import Trial, TrialState

_REMEMBERED = 300
"""Feasible trials among which a new one is ranked (chosen by hand: ranking takes quadratic time)."""
_SHARPNESS = 0.05
"""The scaling factor kappa of Zitzler and Künzli (2004), who use 0.05 as well: the smaller, the more it matters to be
dominated at all."""


class Rewards:
    """Rewards from 0 to 1, from what was known when each was given.

    A feasible trial earns 0.5 to 1, by its rank in the fitness of IBEA among the last 300 feasible ones (Zitzler and
    Künzli, Indicator-Based Selection in Multiobjective Search, 2004, with the additive epsilon indicator). By the
    rules of Deb (An efficient constraint handling method for genetic algorithms, 2000) every infeasible trial earns
    less, the less the more it violates; and a trial that did not complete earns 0.

    Args:
        objectives: Metrics and their directions.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._feasible: deque[tuple[float, ...]] = deque(maxlen=_REMEMBERED)
        self._worst_violations: dict[str, float] = {}

    def add(self, trial: Trial) -> None:
        """Rank later trials against this one, and itself."""
        if self._is_comparable(trial) and trial.is_feasible:
            self._feasible.append(losses(trial, self._objectives))
        for name, violation in trial.constraints.items():
            self._worst_violations[name] = max(violation, self._worst_violations.get(name, 0.0))

    def of(self, trial: Trial) -> float:
        """Give the reward of a trial that was added, from 0 to 1."""
        if not self._is_comparable(trial):
            return 0.0
        if not trial.is_feasible:
            shares = [
                max(violation, 0.0) / self._worst_violations[name]
                for name, violation in trial.constraints.items()
                if self._worst_violations[name] > 0
            ]
            return 0.5 * (1 - sum(shares) / (len(shares) + 1))
        points = np.array([*self._feasible, losses(trial, self._objectives)])
        fitness = indicator_fitness(points)
        others, own = fitness[:-1], fitness[-1]
        return 0.5 + 0.5 * float(np.mean((others < own) + 0.5 * (others == own)))

    def _is_comparable(self, trial: Trial) -> bool:
        values = [trial.metrics.get(objective.metric, math.nan) for objective in self._objectives]
        return trial.state is TrialState.COMPLETE and all(map(math.isfinite, values))


def indicator_fitness(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rate points by how far the others would have to move to dominate them.

    The fitness of ``y`` is the sum over all other points ``x`` of ``-exp(-I(x, y) / (c k))``, where ``I(x, y)`` is the
    largest ``x_i - y_i`` of the losses, scaled to 0 … 1 each, ``c`` the largest ``|I|`` and ``k`` 0.05.

    Args:
        points: Losses, shape (points, objectives).

    Returns:
        Fitness, shape (points,), at most 0; the higher, the better.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    indicator = (scaled[:, np.newaxis] - scaled).max(axis=2)
    scale = _SHARPNESS * (np.abs(indicator).max() or 1.0)
    fitness: NDArray[np.float64] = 1.0 - np.exp(-indicator / scale).sum(axis=0)  # 1: a point against itself
    return fitness
