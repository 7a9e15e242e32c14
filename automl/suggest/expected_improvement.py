"""Expected hypervolume improvement, in closed form, of points whose losses are normal, lognormal or known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from automl.suggest.box_decomposition import Boxes
from automl.suggest.encoding import Matrix

Vector = npt.NDArray[np.float64]

_ROWS_AT_A_TIME = 4096
"""Points that are scored together: it bounds the memory, and changes no result."""
_ROUNDING = 1e-12
"""Of a limit, by which a known loss may miss it and still hold: what float64 loses."""


@dataclass(frozen=True)
class Forecast:
    """The distribution of one loss at several points.

    Attributes:
        mean: Of the loss, or of its logarithm; one value a point.
        deviation: Standard deviation of the same; 0 where the loss is known.
        is_logarithmic: Whether the loss is lognormal rather than normal.
    """

    mean: Vector
    deviation: Vector
    is_logarithmic: bool = False

    def rows(self, start: int, end: int) -> "Forecast":
        """Give the forecast of some of the points."""
        return Forecast(self.mean[start:end], self.deviation[start:end], self.is_logarithmic)

    def expected_improvement(self, limits: Vector) -> Matrix:
        """Give the expected improvement on each limit: ``E[max(limit - loss, 0)]``, in closed form.

        Args:
            limits: Losses; minus infinity expects 0.

        Returns:
            One row a point, one column a limit.
        """
        mean, deviation = self.mean[:, None], self.deviation[:, None]
        known = np.exp(mean) if self.is_logarithmic else mean
        if not self.deviation.any():
            return np.maximum(limits - known, 0.0)
        spread = np.maximum(deviation, 1e-12)
        if not self.is_logarithmic:
            scaled = (limits - mean) / spread
            density = np.exp(-0.5 * np.square(scaled)) / math.sqrt(2 * math.pi)
            with np.errstate(invalid="ignore"):
                below = (limits - mean) * ndtr(scaled) + spread * density
            return np.where(np.isneginf(limits), 0.0, below)
        positive = np.where(limits > 0, limits, 1.0)
        scaled = (np.log(positive) - mean) / spread
        below = positive * ndtr(scaled) - known * np.exp(0.5 * np.square(spread)) * ndtr(scaled - spread)
        return np.where(limits > 0, below, 0.0)

    def probability_below(self, limit: float) -> Vector:
        """Give the probability that the loss is at most ``limit``; 0 or 1 where it is known."""
        if self.is_logarithmic:
            limit = math.log(limit) if limit > 0 else -math.inf
        spread = np.where(self.deviation > 0, self.deviation, 1.0)
        holds = (self.mean <= limit + _ROUNDING * abs(limit)).astype(float)
        return np.where(self.deviation > 0, ndtr((limit - self.mean) / spread), holds)


def expected_hypervolume_improvement(forecasts: Sequence[Forecast], boxes: Boxes) -> Vector:
    """Give the expected hypervolume improvement of each point, exactly.

    Within a box the improvement is a product over objectives, and for independent losses so is its expectation
    (Emmerich et al. 2011); known losses are the limit of no deviation.

    Args:
        forecasts: One an objective, all of the same points.
        boxes: The decomposition of the region that the front does not dominate, in the same objectives.

    Returns:
        One expectation a point.
    """
    count = len(forecasts[0].mean)
    parts = [
        _of_some([forecast.rows(start, start + _ROWS_AT_A_TIME) for forecast in forecasts], boxes)
        for start in range(0, count, _ROWS_AT_A_TIME)
    ]
    return np.concatenate([np.empty(0), *parts])


def _of_some(forecasts: Sequence[Forecast], boxes: Boxes) -> Vector:
    volumes = np.ones((len(forecasts[0].mean), len(boxes.upper)))
    for index, forecast in enumerate(forecasts):
        sides = np.concatenate([boxes.lower[:, index], boxes.upper[:, index]])
        limits, where = np.unique(sides, return_inverse=True)  # boxes share most of their sides
        below = forecast.expected_improvement(limits)
        volumes *= below[:, where[len(boxes.lower) :]] - below[:, where[: len(boxes.lower)]]
    return np.asarray(volumes.sum(axis=1))
