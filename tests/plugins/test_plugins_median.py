"""The median rule ends a trial that did worse than half of the others by the same epoch."""

from statistics import fmean, median

import pytest
from tiny_study import OBJECTIVES, tiny_space

from automl.search_problem import SearchProblem
from automl.stopping_rule import Curve
from automl_plugins.stopping.median import Median

EARLIER = [Curve({epoch: 0.1 * n + 0.05 * epoch for epoch in range(1, 6)}, is_complete=True) for n in range(5)]
RULE = Median(SearchProblem(tiny_space(), OBJECTIVES, seed=0))


@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_a_trial_goes_on_exactly_where_its_best_score_reaches_the_median_of_the_running_means(epoch):
    limit = median(fmean([0.1 * number + 0.05 * at for at in range(1, epoch + 1)]) for number in range(5))
    flat = dict.fromkeys(range(1, epoch + 1), 0.0)
    assert not RULE.stops({**flat, 1: limit + 1e-9}, EARLIER)
    assert RULE.stops({**flat, 1: limit - 1e-9}, EARLIER)


def test_nothing_is_ended_before_five_trials_are_complete():
    stopped = Curve({1: 0.9}, is_complete=False)
    assert not RULE.stops({1: 0.0}, [*EARLIER[:4], stopped])
    assert RULE.stops({1: 0.0}, [*EARLIER, stopped])


def test_what_it_leaves_out_of_account_is_said_where_there_is_such():
    (note,) = RULE.notes()
    assert "--early-stopping median compares validation scores alone" in note
    assert not Median(SearchProblem(tiny_space(), OBJECTIVES[:1], seed=0)).notes()
