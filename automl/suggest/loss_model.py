"""Models one loss over the space: what it is at points that were not tried, learnt from those that were."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from automl.core.installed_metrics import metric_named
from automl.core.objective import Objective
from automl.suggest.encoding import Matrix
from automl.suggest.expected_improvement import Forecast, Vector
from automl.suggest.gaussian_process import GaussianProcess

_LEAST_ERROR = 1e-4
"""Of a metric that reaches its best value, whose error has no logarithm (chosen by hand)."""


def loss_of(objective: Objective, value: float) -> float:
    """Turn a value into a loss; of an accuracy and its like, into the error: its logarithm is what changes evenly."""
    metric = metric_named(objective.metric)
    if metric.has_errors:
        return max((metric.high - value) / (metric.high - metric.low), _LEAST_ERROR)
    return objective.loss(value)


class LossModel:
    """A Gaussian process over a loss, or over its logarithm.

    Args:
        rows: Points that were tried, one a row.
        losses: What was observed.
        groups: Which columns of a row share a length scale.
        outliers_above: Losses above this are clipped to it, so that an outlier does not bend the model.
        is_logarithmic: Whether the loss is never 0 or below, and changes by factors.
    """

    def __init__(
        self,
        rows: Matrix,
        losses: Vector,
        *,
        groups: Sequence[int],
        outliers_above: float = np.inf,
        is_logarithmic: bool = False,
    ) -> None:
        self._is_logarithmic = is_logarithmic
        clipped = np.minimum(losses, outliers_above)
        self._rows = rows
        self._values = np.log(clipped) if self._is_logarithmic else clipped
        self._process = GaussianProcess.fit(rows, self._values, groups)

    def forecast(self, rows: Matrix) -> Forecast:
        """Forecast the loss of points."""
        return Forecast(*self._process.predict(rows), is_logarithmic=self._is_logarithmic)

    def believing(self, rows: Matrix) -> Self:
        """Take pending points as observed with their forecast, by which the deviation near them shrinks."""
        believed = np.concatenate([self._values, self._process.predict(rows)[0]])
        self._process = self._process.conditioned(np.vstack([self._rows, rows]), believed)
        return self
