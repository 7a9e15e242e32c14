"""What a trial is judged by before it is whole: its score at a rung, and what is known of its file by then."""

from collections.abc import Mapping, Sequence

from automl.core.objective import Objective
from automl.core.pace import rung_scores
from automl.core.trial import Trial
from automl.core.value import Point
from automl.search_problem import KnownMetrics
from automl.suggest.suggester import point_key

_STANDS_FOR = {"latency_ms": "macs", "download_bytes": "size_bytes"}
"""Where nobody predicts a metric, one that orders networks nearly the same way."""


class RungLosses:
    """Judges trials at rungs, in all objectives that can be known there.

    Args:
        objectives: Of the study. The score is that of the float network at the rung; the others are predicted, and
            one that nobody predicts is left out.
        known: Predicts the metrics of a point that nobody has trained.
        score: What trials are scored by while they train; the first objective where absent.
    """

    def __init__(self, objectives: Sequence[Objective], known: KnownMetrics, score: Objective | None = None) -> None:
        self._objectives = tuple(objectives)
        self._score = score or self._objectives[0]
        self._known = known
        self._predicted: dict[object, Mapping[str, float]] = {}

    def can_judge(self, point: Point) -> bool:
        """Say whether the size of a point is known: a score alone would end every small network early."""
        return bool(self._prediction(point))

    def of(self, trial: Trial) -> dict[int, tuple[float, ...]]:
        """Give the losses of a trial at each rung that it reached; empty where it cannot be judged."""
        if not self.can_judge(trial.point):
            return {}
        scores = rung_scores(trial.metrics, self._score.metric)
        return {epoch: self._losses(trial.point, score) for epoch, score in scores.items()}

    def _losses(self, point: Point, score: float) -> tuple[float, ...]:
        values = {**self._prediction(point), self._score.metric: score}
        known = {**{metric: values.get(other) for metric, other in _STANDS_FOR.items()}, **values}
        metrics = [(objective, known.get(objective.metric)) for objective in self._objectives]
        return tuple(objective.loss(value) for objective, value in metrics if value is not None)

    def _prediction(self, point: Point) -> Mapping[str, float]:
        key = point_key(point)
        if key not in self._predicted:
            (self._predicted[key],) = self._known.predict([point])
        return self._predicted[key]
