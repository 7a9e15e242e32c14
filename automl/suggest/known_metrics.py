"""Metrics that are known before training: exactly, as a size, or as an estimate that finished trials correct."""

from dataclasses import dataclass

import numpy as np

from automl.suggest.expected_improvement import Forecast, Vector

_EXACT = 1e-6
"""A prediction that never missed the measurement by more than this, relatively, counts as exact."""
_PRIOR_TRIALS = 2.0
_PRIOR_DEVIATION = 0.1
"""The prior of an inexact prediction's error: its deviation, and for how many trials that counts (chosen by hand; the
measured errors of latency are in benchmarks/README.md, by benchmarks/predictors.py)."""


@dataclass(frozen=True)
class Correction:
    """How the measurements of a metric differ from its predictions: by a factor, and a spread around it.

    Attributes:
        log_ratio: Mean logarithm of measured over predicted.
        deviation: Standard deviation of that logarithm; 0 where predictions are exact.
    """

    log_ratio: float = 0.0
    deviation: float = 0.0

    @classmethod
    def of(cls, predicted: Vector, measured: Vector) -> "Correction":
        """Learn from trials; predictions that were exact so far, or never tested, are taken at their word.

        Args:
            predicted: One value a trial, above 0.
            measured: Likewise.
        """
        ratios = np.log(measured / predicted)
        if not np.any(np.abs(ratios) > _EXACT):
            return cls()
        centre = float(np.sum(ratios) / (len(ratios) + 0.1))
        squares = float(np.sum(np.square(ratios - centre))) + _PRIOR_TRIALS * _PRIOR_DEVIATION**2
        return cls(centre, float(np.sqrt(squares / (len(ratios) + _PRIOR_TRIALS))))

    def forecast(self, predicted: Vector, deviation: Vector) -> Forecast:
        """Forecast what will be measured.

        Args:
            predicted: One value a point.
            deviation: Of the logarithm of each prediction itself; 0 where it is the predictor's own.
        """
        spread = np.hypot(deviation, self.deviation)
        return Forecast(np.log(predicted) + self.log_ratio, spread, is_logarithmic=True)
