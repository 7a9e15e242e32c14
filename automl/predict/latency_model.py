"""Predicts latency from what the kernels have to do, with the prices that measurements on this host set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl.errors import SearchError
from automl.predict.prices import Work, fit_prices, total_price

_FOLDS = 10
"""Of the cross-validation by which a model states its error."""
_LEAST_NETWORKS = 2 * _FOLDS
"""Below this a fold would hold one network."""


@dataclass(frozen=True)
class TimedNetwork:
    """A measurement to learn from.

    Attributes:
        work: What ``kernel_work`` counts.
        latency_ms: Measured.
        file_bytes: The ONNX file, as far as its size was kept.
        deployed_bytes: What the runtime opens in its place, likewise.
    """

    work: Work
    latency_ms: float
    file_bytes: float | None = None
    deployed_bytes: float | None = None


@dataclass(frozen=True)
class PredictionError:
    """How far predictions of latency were from measurements that the model had not seen.

    Attributes:
        networks: How many were predicted, each by a model of nine tenths of the others.
        median: Of the relative errors: 0.05 is 5 percent.
        percentile_90: The 90th percentile of the relative errors.
        rank_correlation: Spearman's, of predictions and measurements.
    """

    networks: int
    median: float
    percentile_90: float
    rank_correlation: float


@dataclass(frozen=True)
class LatencyModel:
    """Latency as the sum of what each sort of work costs: its amount times a price, none below 0.

    Attributes:
        prices_ms: Milliseconds a unit, by the name of the work.
        error: Of this model, by cross-validation.
    """

    prices_ms: Mapping[str, float]
    error: PredictionError

    @classmethod
    def fit(cls, networks: Sequence[TimedNetwork]) -> "LatencyModel":
        """Find the prices with the least squared relative error, by non-negative ridge regression.

        Args:
            networks: At least 20, of one host and one target.

        Raises:
            SearchError: If there are fewer.
        """
        if len(networks) < _LEAST_NETWORKS:
            raise SearchError(
                f"a latency model needs {_LEAST_NETWORKS} measured networks and has {len(networks)}; measure more"
            )
        works = [network.work for network in networks]
        latencies = np.array([network.latency_ms for network in networks])
        order = np.random.default_rng(0).permutation(len(networks))
        predicted = np.empty(len(networks))
        for fold in range(_FOLDS):
            left_out = order[fold::_FOLDS]
            others = [index for index in order if index not in left_out]
            prices = fit_prices([works[index] for index in others], latencies[others])
            predicted[left_out] = [total_price(prices, works[index]) for index in left_out]
        return cls(fit_prices(works, latencies), prediction_error(predicted, latencies))

    def predict_ms(self, work: Work) -> float | None:
        """Predict the latency of a network; None where it does work of a sort that no measured network did."""
        return total_price(self.prices_ms, work) if work.keys() <= self.prices_ms.keys() else None


def prediction_error(predicted: NDArray[np.floating], measured: NDArray[np.floating]) -> PredictionError:
    """Compare predictions with measurements, both of shape (networks,)."""
    relative = np.abs(predicted / measured - 1)
    ranks = np.corrcoef(_ranks(predicted), _ranks(measured))
    return PredictionError(
        networks=len(measured),
        median=float(np.median(relative)),
        percentile_90=float(np.percentile(relative, 90)),
        rank_correlation=float(ranks[0, 1]),
    )


def _ranks(values: Iterable[float]) -> NDArray[np.intp]:
    return np.argsort(np.argsort(np.array(list(values))))
