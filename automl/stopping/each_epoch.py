"""Lets a stopping rule look at running trials: each carries the curves known when it began to where it trains."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from automl.core.objective import Objective
from automl.core.pace import Pace, Promotion, rung_scores
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.errors import SearchError
from automl.registry import STOPPING
from automl.stopping_rule import Curve, StoppingRule


@dataclass(frozen=True)
class _Watch:
    """Asks a rule about a running trial, in the process that trains it: what the rule needs travels with the trial."""

    rule: StoppingRule
    score: Objective
    earlier: tuple[Curve, ...]

    def __call__(self, scores: Mapping[int, float]) -> bool:
        with STOPPING.answering(self.rule.name):
            is_over = self.rule.stops(_upward(scores, self.score), self.earlier)
        if isinstance(is_over, bool | np.bool_):
            return bool(is_over)
        raise SearchError(
            f"stopping rule {self.rule.name!r} answered {is_over!r}, which is neither True nor False; {STOPPING.where}"
        )


def _upward(scores: Mapping[int, float], score: Objective) -> dict[int, float]:
    """Turn scores of either direction into ones that are better the higher they are."""
    return {epoch: -score.loss(value) for epoch, value in scores.items()}


class EachEpoch:
    """Lets every trial train to its end, unless a rule ends it after one of its epochs.

    Args:
        rule: Decides.
        score: What trials are scored by while they train.
        epochs: Of a whole fit; the rule is not asked about the last one.
    """

    def __init__(self, rule: StoppingRule, *, score: Objective, epochs: int) -> None:
        self._rule = rule
        self._score = score
        self._rungs = tuple(range(1, epochs))
        self._curves: dict[int, Curve] = {}

    def first_pace(self, point: Point) -> Pace:  # noqa: ARG002 # all points alike
        """Let a new trial train to its end, watched."""
        return Pace(rungs=self._rungs, watch=_Watch(self._rule, self._score, tuple(self._curves.values())))

    def note(self, trial: Trial) -> None:
        """Keep the curve of a trial that ended; one that failed has none."""
        scores = rung_scores(trial.metrics, self._score.metric)
        if scores and trial.state in {TrialState.COMPLETE, TrialState.STOPPED}:
            self._curves[trial.number] = Curve(
                _upward(scores, self._score), is_complete=trial.state is TrialState.COMPLETE
            )

    @property
    def may_promote(self) -> bool:
        """No trial waits."""
        return False

    def promote(self) -> Promotion | None:
        """Choose none: no trial waits."""
        return None
