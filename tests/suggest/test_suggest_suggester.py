"""Every sampler proposes canonical points, never one twice, and learns from what it is told."""

import random
from collections import Counter

import optuna
import pytest
from tiny_study import OBJECTIVES, failed_trial, line_space, tiny_space, trial_of, wide_space

from automl.core.trial import TrialState
from automl.suggest.optuna_suggester import SAMPLERS, OptunaSuggester
from automl.suggest.suggester import point_key, random_point

POINTS_OF_THE_TINY_SPACE = 10
PAST_STARTUP = {"tpe": 24, "gp": 11}
"""Points after which a sampler has begun to model; the Gaussian process takes a second for each."""


@pytest.fixture(params=SAMPLERS)
def sampler(request):
    return request.param


def suggester_of(space, sampler="tpe", seed=0):
    return OptunaSuggester(space, OBJECTIVES, sampler=sampler, seed=seed)


def toy_trial(number, point):
    """Accuracy grows and size falls with parameters that a sampler can find out."""
    width = float(point["conv_net.width_1"])
    return trial_of(number, point, accuracy=width / 100, size_bytes=1000 + 10 * width)


def another_point():
    return random_point(wide_space(), random.Random(5))  # noqa: S311 # no secret depends on it


def points_of(suggester, count, *, first=0):
    points = []
    for number in range(first, first + count):
        points.append(suggester.ask())
        suggester.tell(toy_trial(number, points[-1]))
    return points


def test_every_sampler_proposes_canonical_points_and_parameters_only_where_they_apply(sampler):
    space = wide_space()
    points = points_of(suggester_of(space, sampler), PAST_STARTUP.get(sampler, 24))
    assert [space.canonical(point) for point in points] == points
    assert {point["pruner"] == "none" for point in points} == {True, False}
    assert all(("sparsity.level" in point) is (point["pruner"] != "none") for point in points)


def test_no_point_is_proposed_twice_until_a_tiny_space_is_exhausted(sampler):
    suggester = suggester_of(tiny_space(), sampler)
    points = points_of(suggester, POINTS_OF_THE_TINY_SPACE)
    assert len({point_key(point) for point in points}) == POINTS_OF_THE_TINY_SPACE
    assert suggester.ask() is None


def test_no_point_is_proposed_twice_while_several_trials_run(sampler):
    suggester = suggester_of(tiny_space(), sampler)
    points = [suggester.ask() for _ in range(POINTS_OF_THE_TINY_SPACE)]
    assert len({point_key(point) for point in points}) == POINTS_OF_THE_TINY_SPACE
    assert suggester.ask() is None


def test_no_point_of_an_earlier_run_is_proposed_again(sampler):
    trials = [
        toy_trial(number, point) for number, point in enumerate(points_of(suggester_of(tiny_space(), sampler), 6))
    ]
    resumed = suggester_of(tiny_space(), sampler)
    for trial in trials:
        resumed.tell(trial)
    rest = points_of(resumed, POINTS_OF_THE_TINY_SPACE - 6, first=6)
    assert len({point_key(point) for point in [*rest, *(trial.point for trial in trials)]}) == POINTS_OF_THE_TINY_SPACE
    assert resumed.ask() is None


def test_a_real_value_on_a_grid_is_the_same_float_wherever_it_comes_from():
    space, generator = tiny_space(), random.Random(0)  # noqa: S311 # no secret depends on it
    drawn = {random_point(space, generator).get("sparsity.level") for _ in range(200)}
    proposed = {point.get("sparsity.level") for point in points_of(suggester_of(space), POINTS_OF_THE_TINY_SPACE)}
    assert drawn == proposed == {None, 0.1, 0.3, 0.5, 0.7}


def test_random_points_reach_every_choice_of_a_logarithmic_range():
    generator = random.Random(0)  # noqa: S311 # no secret depends on it
    widths = [random_point(wide_space(), generator)["conv_net.width_2"] for _ in range(400)]
    assert 4 <= min(widths) < 8
    assert 200 < max(widths) <= 400
    assert 0.4 < sum(width <= 40 for width in widths) / len(widths) < 0.6  # half of them in the lower decade


def test_the_same_seed_gives_the_same_sequence(sampler):
    count = PAST_STARTUP.get(sampler, 24)
    first, again = (points_of(suggester_of(wide_space(), sampler, 3), count) for _ in range(2))
    assert first == again
    assert points_of(suggester_of(wide_space(), sampler, 4), 3) != first[:3]


def test_a_study_goes_on_with_another_sampler(sampler):
    others = points_of(suggester_of(wide_space(), "random", seed=9), 22)
    resumed = suggester_of(wide_space(), sampler)
    for number, point in enumerate(others):
        resumed.tell(toy_trial(number, point))
    resumed.tell(failed_trial(22, another_point()))
    assert point_key(points_of(resumed, 1, first=23)[0]) not in {point_key(point) for point in others}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (TrialState.FAILED, optuna.trial.TrialState.FAIL),
        (TrialState.INFEASIBLE, optuna.trial.TrialState.FAIL),
        (TrialState.STOPPED, optuna.trial.TrialState.PRUNED),
    ],
)
def test_a_trial_that_did_not_complete_is_told_as_what_it_is(sampler, state, told):
    suggester = suggester_of(wide_space(), sampler)
    suggester.tell(failed_trial(0, suggester.ask(), state))
    suggester.tell(failed_trial(1, another_point(), state))
    states = Counter(trial.state for trial in suggester._study.trials)
    assert states == {told: 2}
    assert suggester.ask() is not None


def test_a_search_in_which_every_trial_fails_still_gets_points(sampler):
    suggester = suggester_of(wide_space(), sampler)
    for number in range(25):
        suggester.tell(failed_trial(number, suggester.ask()))


def feasible_share(sampler, *, is_resumed=False, trials=70, counted=30):
    """Share of the last proposals that keep to a limit which one of eight random points keeps to."""
    suggester = suggester_of(line_space(), sampler, seed=1)
    feasible = []
    for number in range(trials):
        if is_resumed and number == trials - counted:
            done, suggester = suggester, suggester_of(line_space(), sampler, seed=2)
            for trial in done.told:
                suggester.tell(trial)
        point = suggester.ask()
        x, y, z = (point[f"conv_net.x{i}"] for i in range(3))
        violation = max(x, y, z) - 0.5
        # the objectives pull away from what is feasible, so that only the limit can lead there
        trial = trial_of(number, point, accuracy=x, size_bytes=1000 - 100 * y, constraints={"z<=0.5": violation})
        suggester.tell(trial)
        suggester.told = [*getattr(suggester, "told", []), trial]
        feasible.append(trial.is_feasible)
    return sum(feasible[-counted:]) / counted


@pytest.mark.parametrize("is_resumed", [False, True])
def test_violations_steer_tpe_to_feasible_points(is_resumed):
    assert feasible_share("tpe", is_resumed=is_resumed) >= feasible_share("random") + 0.25
