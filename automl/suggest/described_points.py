"""Describes points before they are tried: their rows in the models, and their predicted metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.core.space import SearchSpace
from automl.core.value import Point
from automl.search_problem import KnownMetrics
from automl.suggest.candidate_pool import random_points
from automl.suggest.encoding import Encoding, Matrix
from automl.suggest.expected_improvement import Vector
from automl.suggest.gaussian_process import GaussianProcess
from automl.suggest.suggester import point_key

_SAMPLE = 64
"""Random points whose predictions set the scale of a metric, and teach the emulator of a slow predictor."""
_MIDDLE = 0.5
"""Stands for a prediction that is lacking, on the scale from 0 to 1."""


@dataclass(frozen=True)
class Prediction:
    """Predictions of one metric at several points.

    Attributes:
        values: One a point; not a number where nothing is known.
        deviations: Standard deviation of the logarithm of each value, as far as the predictor was not asked itself.
    """

    values: Vector
    deviations: Vector


@dataclass(frozen=True)
class DescribedPoints:
    """Points, as a model sees them.

    Attributes:
        points: Canonical.
        rows: One row a point: its encoding, then the logarithm of each predicted metric on a scale of about 0 to 1.
        predictions: By metric.
    """

    points: Sequence[Point]
    rows: Matrix
    predictions: Mapping[str, Prediction]

    def only(self, chosen: Sequence[int] | npt.NDArray[np.intp]) -> "DescribedPoints":
        """Give some of the points, by index."""
        index = np.asarray(chosen, dtype=np.intp)
        some = {
            metric: Prediction(prediction.values[index], prediction.deviations[index])
            for metric, prediction in self.predictions.items()
        }
        return DescribedPoints([self.points[i] for i in index], self.rows[index], some)

    def joined(self, others: "DescribedPoints") -> "DescribedPoints":
        """Put other points after these."""
        both = {
            metric: Prediction(
                np.concatenate([one.values, others.predictions[metric].values]),
                np.concatenate([one.deviations, others.predictions[metric].deviations]),
            )
            for metric, one in self.predictions.items()
        }
        return DescribedPoints([*self.points, *others.points], np.vstack([self.rows, others.rows]), both)


Describe = Callable[[Sequence[Point]], DescribedPoints]
"""Describes points, as a predictor says of them or as it would probably say."""


class PointDescriber:
    """Describes points; each is predicted once.

    A predicted metric is a column of its own: networks of like size and speed have like accuracy.

    Args:
        space: Where points come from.
        known: Predicts metrics; nothing is known before training where absent.
        metrics: Those that matter to the search.
        seed: Of the sample that sets the scale of predicted metrics.
    """

    def __init__(self, space: SearchSpace, known: KnownMetrics | None, metrics: Sequence[str], *, seed: int) -> None:
        self._encoding = Encoding(space)
        self._known = known
        self._predicted: dict[object, Mapping[str, float]] = {}
        self._sample = random_points(space, _SAMPLE, np.random.default_rng(seed)) if known is not None else []
        found = self._predict(self._sample)
        self.metrics = [metric for metric in metrics if any(_is_positive(one.get(metric)) for one in found)]
        ranges = [np.log([one[metric] for one in found if _is_positive(one.get(metric))]) for metric in self.metrics]
        self._ranges = [(float(values.min()), float(np.ptp(values)) or 1.0) for values in ranges]
        self.groups = (
            *self._encoding.groups,
            *(max(self._encoding.groups, default=-1) + 1 + i for i in range(len(self.metrics))),
        )

    def describe(self, points: Sequence[Point]) -> DescribedPoints:
        """Describe points by what the predictor says of them."""
        found = self._predict(points)
        values = {metric: np.array([_value(one.get(metric)) for one in found], dtype=float) for metric in self.metrics}
        return self._described(points, {name: Prediction(of, np.zeros(len(of))) for name, of in values.items()})

    def emulator(self, examples: Sequence[Point]) -> Describe:
        """Learn to describe points by what the predictor would probably say, for a predictor that takes long.

        Args:
            examples: Points that it is asked about, to learn from, beside a fixed sample.
        """
        learnt = self.describe([*self._sample, *examples])
        groups = self._encoding.groups
        processes = {
            metric: GaussianProcess.fit(
                learnt.rows[np.isfinite(prediction.values), : len(groups)],
                np.log(prediction.values[np.isfinite(prediction.values)]),
                groups,
            )
            for metric, prediction in learnt.predictions.items()
        }

        def emulate(points: Sequence[Point]) -> DescribedPoints:
            encoded = self._encoding.encode(points)
            said = {metric: process.predict(encoded) for metric, process in processes.items()}
            emulated = {metric: Prediction(np.exp(mean), deviation) for metric, (mean, deviation) in said.items()}
            return self._described(points, emulated, encoded)

        return emulate

    def _described(
        self, points: Sequence[Point], predictions: Mapping[str, Prediction], encoded: Matrix | None = None
    ) -> DescribedPoints:
        columns = [
            np.nan_to_num((np.log(prediction.values) - low) / width, nan=_MIDDLE)[:, None]
            for prediction, (low, width) in zip(predictions.values(), self._ranges, strict=True)
        ]
        rows = np.hstack([self._encoding.encode(points) if encoded is None else encoded, *columns])
        return DescribedPoints(points, rows, predictions)

    def _predict(self, points: Sequence[Point]) -> list[Mapping[str, float]]:
        if self._known is None:
            return [{} for _ in points]
        keys = [point_key(point) for point in points]
        new = {key: point for key, point in zip(keys, points, strict=True) if key not in self._predicted}
        self._predicted |= zip(new, self._known.predict(list(new.values())), strict=True) if new else {}
        return [self._predicted[key] for key in keys]


def _is_positive(value: float | None) -> bool:
    return value is not None and value > 0


def _value(value: float | None) -> float:
    return value if value is not None and value > 0 else np.nan
