"""A reward ranks a trial among those before it: feasible above infeasible above failed."""

import math
import random

import numpy as np
import pytest
from tiny_study import OBJECTIVES, failed_trial, trial_of

from automl.core.trial import TrialState
from automl.suggest.reward import Rewards, indicator_fitness


def rewards_of(trials):
    """What each trial earned when it was told."""
    rewards, earned = Rewards(OBJECTIVES), []
    for trial in trials:
        rewards.add(trial)
        earned.append(rewards.of(trial))
    return earned


def random_trials(count, seed=0):
    generator = random.Random(seed)  # noqa: S311 # no secret depends on it
    return [
        trial_of(number, {}, accuracy=generator.random(), size_bytes=1000 * generator.random())
        for number in range(count)
    ]


def fitness_by_the_formula(points):
    """Zitzler and Künzli, 2004, section 3: scaled objectives, the additive epsilon indicator, kappa = 0.05."""
    columns = list(zip(*points, strict=True))
    scaled = [[(v - min(c)) / (max(c) - min(c)) for v, c in zip(p, columns, strict=True)] for p in points]
    indicator = {
        (i, j): max(a - b for a, b in zip(scaled[i], scaled[j], strict=True))
        for i in range(len(points))
        for j in range(len(points))
        if i != j
    }
    scale = max(map(abs, indicator.values()))
    return [
        sum(-math.exp(-indicator[i, j] / (scale * 0.05)) for i in range(len(points)) if i != j)
        for j in range(len(points))
    ]


def test_fitness_follows_the_published_formula():
    points = np.random.default_rng(0).random((20, 3))
    assert indicator_fitness(points) == pytest.approx(fitness_by_the_formula(points.tolist()), rel=1e-9)


def test_what_dominates_a_point_is_fitter():
    points = np.random.default_rng(1).random((30, 3))
    fitness = indicator_fitness(points)
    pairs = [(a, b) for a in range(30) for b in range(30) if a != b and (points[a] <= points[b]).all()]
    assert len(pairs) > 20
    assert all(fitness[a] > fitness[b] for a, b in pairs)


def test_equal_points_are_equally_fit():
    assert indicator_fitness(np.array([[1.0, 2.0], [1.0, 2.0]])).tolist() == [-1.0, -1.0]


def test_a_reward_depends_on_earlier_trials_alone():
    trials = random_trials(30)
    assert rewards_of(trials)[:12] == rewards_of(trials[:12])


def test_the_best_of_all_earns_most_and_the_worst_least():
    trials = [
        *random_trials(20),
        trial_of(20, {}, accuracy=2.0, size_bytes=-1.0),
        trial_of(21, {}, accuracy=-1.0, size_bytes=2000.0),
    ]
    earned = rewards_of(trials)
    assert earned[20] > 0.97
    assert earned[21] < 0.53
    assert all(0.5 <= reward <= 1.0 for reward in earned)


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.INFEASIBLE, TrialState.STOPPED])
def test_a_trial_that_did_not_complete_earns_nothing(state):
    assert rewards_of([*random_trials(3), failed_trial(3, {}, state)])[3] == 0.0


def test_a_metric_that_is_not_a_number_earns_nothing():
    assert rewards_of([*random_trials(3), trial_of(3, {}, accuracy=math.nan)])[3] == 0.0


def test_a_violation_earns_less_than_anything_feasible_and_the_less_the_larger():
    def violating(number, amount):
        return trial_of(number, {}, accuracy=1.0, size_bytes=1.0, constraints={"size_bytes<=5": amount})

    earned = rewards_of([violating(0, 100.0), violating(1, 90.0), violating(2, 10.0), *random_trials(5)])
    assert 0 < earned[0] < earned[1] < earned[2] < min(earned[3:])


def test_an_infeasible_trial_does_not_lower_the_rank_of_a_feasible_one():
    feasible = random_trials(10)
    better = trial_of(10, {}, accuracy=9.0, size_bytes=0.0, constraints={"size_bytes>=1": 1.0})
    assert rewards_of([*feasible[:9], better, feasible[9]])[10] == rewards_of(feasible)[9]
