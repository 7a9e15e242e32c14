"""A trial at a rung is judged by its score there, and by what is known of its file: foreseen, or ordered alike."""

from datetime import UTC, datetime

import pytest

from automl.core.objective import Objective
from automl.core.trial import Trial, TrialState
from automl.stopping.rung_losses import RungLosses

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Known:
    """Foresees the same of every point."""

    def __init__(self, **values):
        self._values = values

    def predict(self, points):
        return [self._values for _ in points]


def paused(**metrics):
    return Trial(0, TrialState.STOPPED, {"width": 8}, 0, NOW, NOW, "here", metrics=metrics)


@pytest.mark.parametrize(
    ("known", "losses"),
    [
        ({"size_bytes": 900.0, "macs": 5e4, "latency_ms": 0.2}, (-0.5, 0.2, 900.0)),
        ({"size_bytes": 900.0, "macs": 5e4}, (-0.5, 5e4, 900.0)),
        ({"size_bytes": 900.0}, (-0.5, 900.0)),
        ({"download_bytes": 700.0, "size_bytes": 900.0}, (-0.5, 700.0)),
    ],
)
def test_a_metric_that_nobody_foresees_is_judged_by_one_that_it_is_ordered_like(known, losses):
    objectives = [Objective.parse(text) for text in ("accuracy", "latency_ms", "download_bytes", "parity_gap")]
    judge = RungLosses(objectives, Known(**known), Objective.parse("accuracy"))
    assert judge.of(paused(accuracy_at_3=0.5)) == {3: losses}


def test_a_score_that_should_be_small_is_judged_so():
    judge = RungLosses([Objective.parse("mean_absolute_error")], Known(macs=1.0))
    assert judge.of(paused(mean_absolute_error_at_2=4.0)) == {2: (4.0,)}


def test_a_point_of_which_nothing_is_known_is_not_judged():
    judge = RungLosses([Objective.parse("accuracy")], Known())
    assert judge.of(paused(accuracy_at_3=0.5)) == {}
