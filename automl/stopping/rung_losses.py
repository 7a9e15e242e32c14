"""The losses by which a paused trial is judged: its score at the rung, and what is predicted of its file."""

from collections.abc import Mapping, Sequence

from automl.core.installed_metrics import metric_named
from automl.core.objective import Objective
from automl.core.pace import rung_scores
from automl.core.trial import Trial
from automl.core.value import Point
from automl.search_problem import KnownMetrics
from automl.suggest.suggester import point_key


class RungLosses:
    """Judges trials at rungs, in all objectives that can be known there.

    Args:
        objectives: Of the study. The score is that of the float network at the rung; the others are predicted. For
            one that nobody predicts stands the metric that it says it is ordered like; else it is left out.
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
        known = {**self._prediction(point), self._score.metric: score}
        values = [(objective, _told(known, objective.metric)) for objective in self._objectives]
        return tuple(objective.loss(value) for objective, value in values if value is not None)

    def _prediction(self, point: Point) -> Mapping[str, float]:
        key = point_key(point)
        if key not in self._predicted:
            (self._predicted[key],) = self._known.predict([point])
        return self._predicted[key]


def _told(known: Mapping[str, float], metric: str) -> float | None:
    """Give a metric, or the one that it is ordered like."""
    alike = metric_named(metric).ordered_like
    return known.get(metric, None if alike is None else known.get(alike))
