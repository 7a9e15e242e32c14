"""The sampler `auto` learns from what it is told, never repeats itself, and beats random draws."""

import numpy as np
import pytest
from tiny_study import OBJECTIVES, failed_trial, line_space, tiny_space, trial_of, wide_space

from automl.core.objective import Constraint
from automl.core.pareto import hypervolume
from automl.core.trial import TrialState
from automl.suggest.auto_suggester import AutoSuggester
from automl.suggest.candidate_pool import random_points
from automl.suggest.suggester import point_key

POINTS_OF_THE_TINY_SPACE = 10
SIZE_LIMIT = Constraint.parse("size_bytes<=2000")


class Sizes:
    """Knows sizes, all too low by the same factor."""

    def __init__(self, factor=1.0):
        self.factor = factor
        self.asked = 0

    def predict(self, points):
        self.asked += len(points)
        return [{"size_bytes": size_of(point) / self.factor} for point in points]


def size_of(point):
    return 500.0 + sum(1000.0 * value for value in point.values() if isinstance(value, float))


def trial_at(number, point, **changes):
    """Larger is better, up to an edge, and one direction does not matter."""
    x, y, _ = (float(point[f"conv_net.x{i}"]) for i in range(3))
    accuracy = 0.5 + 0.45 * np.exp(-8 * (x - 0.8) ** 2 - 8 * (y - 0.3) ** 2)
    return trial_of(number, point, accuracy=float(accuracy), size_bytes=size_of(point), **changes)


def wide_trial(number, point):
    width = float(point["conv_net.width_1"])
    return trial_of(number, point, accuracy=width / 100, size_bytes=1000 + 10 * width)


def suggester_of(space, seed=0, **options):
    return AutoSuggester(space, OBJECTIVES, seed=seed, **options)


def run(suggester, count, trial=trial_at, first=0):
    trials = []
    for number in range(first, first + count):
        trials.append(trial(number, suggester.ask()))
        suggester.tell(trials[-1])
    return trials


def volume(trials):
    losses = [(1 - trial.metrics["accuracy"], trial.metrics["size_bytes"]) for trial in trials]
    return hypervolume(losses, (1.0, 3500.0))


def test_points_are_canonical_and_parameters_stand_only_where_they_apply():
    space = wide_space()
    points = [trial.point for trial in run(suggester_of(space), 16, wide_trial)]
    assert [space.canonical(point) for point in points] == points
    assert {point["pruner"] == "none" for point in points} == {True, False}


@pytest.mark.parametrize("is_told", [True, False])
def test_no_point_is_proposed_twice_until_a_tiny_space_is_exhausted(is_told):
    suggester = suggester_of(tiny_space())
    points = []
    while (point := suggester.ask()) is not None:
        points.append(point)
        if is_told:
            suggester.tell(wide_trial(len(points), point))
    assert len({point_key(point) for point in points}) == len(points) == POINTS_OF_THE_TINY_SPACE


def test_running_trials_are_neither_proposed_again_nor_crowded():
    suggester = suggester_of(line_space())
    trials = run(suggester, 14)
    running = [suggester.ask() for _ in range(4)]
    assert len({point_key(point) for point in [*running, *(trial.point for trial in trials)]}) == 18
    for number, point in enumerate(running, start=14):
        suggester.tell(trial_at(number, point))
    assert suggester.ask() is not None


def test_a_resumed_search_proposes_what_the_first_would_have():
    first = suggester_of(line_space(), seed=5, known=Sizes())
    trials = run(first, 13)
    resumed = suggester_of(line_space(), seed=5, known=Sizes())
    for trial in reversed(trials):
        resumed.tell(trial)
    assert run(resumed, 2, first=13) == run(first, 2, first=13)


def test_another_seed_proposes_other_points():
    assert suggester_of(line_space(), seed=1).ask() != suggester_of(line_space(), seed=2).ask()


@pytest.mark.parametrize("known", [None, Sizes(), Sizes(factor=1.5)], ids=["modelled", "exact", "estimated"])
def test_it_beats_random_draws(known):
    found = [volume(run(suggester_of(line_space(), seed=seed, known=known), 24)) for seed in range(2)]
    drawn = [
        volume([trial_at(0, point) for point in random_points(line_space(), 24, np.random.default_rng(seed))])
        for seed in range(20)
    ]
    assert min(found) > sorted(drawn)[-2]


def test_no_point_that_is_known_to_break_a_limit_is_proposed():
    suggester = suggester_of(line_space(), known=Sizes(), constraints=(SIZE_LIMIT,))
    trials = run(suggester, 18)
    assert all(trial.metrics["size_bytes"] <= SIZE_LIMIT.limit for trial in trials)


def test_a_limit_on_a_modelled_metric_is_learnt_from_violations():
    def limited(number, point):
        trial = trial_at(number, point)
        violation = SIZE_LIMIT.violation(trial.metrics["size_bytes"])
        return trial_at(number, point, constraints={str(SIZE_LIMIT): violation})

    trials = run(suggester_of(line_space()), 26, limited)
    assert sum(trial.is_feasible for trial in trials[14:]) >= 9
    assert sum(trial.is_feasible for trial in trials[:12]) <= 8


def test_a_region_in_which_trials_fail_is_left():
    def fragile(number, point):  # the best networks would lie where they fail
        return trial_at(number, point) if point["conv_net.x0"] < 0.5 else failed_trial(number, point)

    trials = run(suggester_of(line_space(), known=Sizes()), 28, fragile)
    places = [trial.point["conv_net.x0"] for trial in trials]
    assert sum(place >= 0.5 for place in places[:12]) == 6, "half of a Latin hypercube"
    assert max(places[14:]) < 0.6, "only where the edge lies is still asked"


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.INFEASIBLE])
def test_a_search_in_which_every_trial_fails_still_gets_points(state):
    suggester = suggester_of(wide_space())
    for number in range(16):
        suggester.tell(failed_trial(number, suggester.ask(), state))


def test_of_points_that_promise_much_a_cheaper_one_is_proposed():
    trials = run(suggester_of(line_space(), known=Sizes()), 14)

    def proposal(cost):
        suggester = suggester_of(line_space(), known=Sizes(), cost=cost)
        for trial in trials:
            suggester.tell(trial)
        return suggester.ask()

    best = proposal(lambda points: [1.0] * len(points))
    assert proposal(lambda points: [1.0 if point == best else 0.5 for point in points]) != best
    assert proposal(lambda points: [1.0 if point == best else 2.0 for point in points]) == best


def test_a_slow_predictor_is_asked_about_a_few_points_of_each_proposal():
    known = Sizes()
    suggester = suggester_of(line_space(), known=known, predictions=8)
    trials = run(suggester, 12)
    known.asked = 0
    trials += run(suggester, 8, first=12)
    assert known.asked <= 8 * (8 + 1)
    assert volume(trials) > volume(
        [trial_at(0, point) for point in random_points(line_space(), 20, np.random.default_rng(0))]
    )
