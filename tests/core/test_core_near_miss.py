"""The nearest misses are those that break the limits by the least, whatever the units."""

import math
from datetime import UTC, datetime

from automl.core.near_miss import nearest_misses, tallies
from automl.core.objective import Constraint
from automl.core.trial import Trial, TrialState

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIMITS = tuple(map(Constraint.parse, ("size_bytes<=1000", "accuracy>=0.9")))


def trial_of(number, size_bytes, accuracy, state=TrialState.COMPLETE):
    metrics = {"size_bytes": size_bytes, "accuracy": accuracy}
    violations = {str(limit): limit.violation(metrics[limit.metric]) for limit in LIMITS}
    return Trial(number, state, {}, 0, NOW, NOW, "host", metrics=metrics, constraints=violations)


def numbers(trials):
    return [trial.number for trial in nearest_misses(trials, LIMITS)]


def test_an_excess_counts_as_a_share_of_its_limit():
    too_large, too_wrong = trial_of(0, 1500.0, 0.95), trial_of(1, 900.0, 0.81)
    assert numbers([too_large, too_wrong]) == [1, 0]  # 50 % above the one limit, 10 % below the other


def test_three_are_given_nearest_first_and_the_earlier_of_two_equal_ones():
    trials = [trial_of(number, size, 0.95) for number, size in enumerate((4000.0, 1100.0, 2000.0, 1100.0))]
    assert numbers(trials) == [1, 3, 2]


def test_there_are_none_where_a_trial_keeps_to_every_constraint():
    assert not numbers([trial_of(0, 1500.0, 0.95), trial_of(1, 1000.0, 0.9)])


def test_only_complete_trials_come_near_and_one_without_a_number_comes_last():
    failed, unknown, far = (
        trial_of(0, 1001.0, 0.9, TrialState.FAILED),
        trial_of(1, 1001.0, math.nan),
        trial_of(2, 9e9, 0),
    )
    assert numbers([failed, unknown, far]) == [2, 1]


def test_the_constraint_that_fewest_keep_comes_first_with_the_value_nearest_to_it():
    trials = [trial_of(0, 3000.0, 0.95), trial_of(1, 2000.0, 0.85), trial_of(2, 900.0, 0.5, TrialState.FAILED)]
    size, accuracy = tallies(trials, LIMITS)
    assert (size.constraint, size.kept, size.trials, size.nearest) == (LIMITS[0], 0, 2, 2000.0)
    assert (accuracy.constraint, accuracy.kept, accuracy.trials, accuracy.nearest) == (LIMITS[1], 1, 2, 0.95)
    assert tallies([], LIMITS)[0].nearest is None
