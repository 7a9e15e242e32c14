"""Fronts and hypervolumes agree with independent references."""

import math
from datetime import UTC, datetime
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.core.objective import Objective
from automl.core.pareto import front_hypervolume, hypervolume, losses, non_dominated, pareto_front
from automl.core.trial import Trial, TrialState

OBJECTIVES = (Objective.parse("accuracy:max"), Objective.parse("size_bytes:min"))


def points_of(dimensions, *, most=9, highest=6):
    """Points on a small grid, so that ties and equal points are common."""
    return st.lists(st.tuples(*[st.integers(0, highest)] * dimensions), max_size=most)


def trial(number, accuracy, size, **changes):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    fields = {
        "number": number,
        "state": TrialState.COMPLETE,
        "point": {},
        "seed": 0,
        "started_at": now,
        "finished_at": now,
        "host": "alpha",
        "metrics": {"accuracy": accuracy, "size_bytes": size},
    }
    return Trial(**{**fields, **changes})


@given(st.integers(1, 4).flatmap(points_of))
def test_the_front_is_what_brute_force_finds(points):
    def is_beaten(point):
        return any(other != point and all(map(lambda a, b: a <= b, other, point)) for other in points)

    assert non_dominated(points) == [index for index, point in enumerate(points) if not is_beaten(point)]


@settings(deadline=None)  # a busy machine takes its time over so many cells
@given(st.integers(1, 4).flatmap(points_of))
def test_the_hypervolume_is_the_number_of_dominated_cells(points):
    dimensions = len(points[0]) if points else 2
    cells = product(range(6), repeat=dimensions)
    dominated = sum(any(all(map(lambda p, c: p <= c, point, cell)) for point in points) for cell in cells)
    assert hypervolume(points, (6,) * dimensions) == dominated


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), max_size=6))
def test_the_hypervolume_is_what_inclusion_and_exclusion_gives(points):
    def box(corners):
        return math.prod(1.0 - max(values) for values in zip(*corners, strict=True))

    expected = sum(
        (-1) ** (size + 1) * box(chosen) for size in range(1, len(points) + 1) for chosen in combinations(points, size)
    )
    assert hypervolume(points, (1.0, 1.0, 1.0)) == pytest.approx(expected, abs=1e-9)


@given(points_of(3), st.tuples(*[st.integers(0, 6)] * 3))
def test_another_point_never_lowers_the_hypervolume(points, added):
    assert hypervolume([*points, added], (6, 6, 6)) >= hypervolume(points, (6, 6, 6))


def test_points_beyond_the_reference_add_nothing():
    assert hypervolume([(7, 0), (6, 6)], (6, 6)) == 0
    assert hypervolume([], (1, 1)) == 0


def test_the_front_of_a_study_is_feasible_and_begins_with_the_best_first_objective():
    trials = [
        trial(0, 0.90, 100),
        trial(1, 0.95, 200),
        trial(2, 0.94, 300),
        trial(3, 0.99, 50, constraints={"latency_ms<=1": 0.5}),
        trial(4, 0.99, 50, state=TrialState.STOPPED),
        trial(5, 0.0, 0, state=TrialState.FAILED, metrics={}),
        trial(6, 0.90, 100, constraints={"latency_ms<=1": 0.0}),
    ]
    assert [member.number for member in pareto_front(trials, OBJECTIVES)] == [1, 0, 6]


def test_losses_are_in_the_order_of_the_objectives():
    assert losses(trial(0, 0.9, 100), OBJECTIVES) == (-0.9, 100)


def test_the_share_of_a_front_is_measured_from_the_worst_network_so_far():
    assert front_hypervolume([], OBJECTIVES) == 0
    assert front_hypervolume([trial(0, 0.9, 100)], OBJECTIVES) == 0
    assert front_hypervolume([trial(0, 0.5, 50), trial(1, 0.0, 100)], OBJECTIVES) == pytest.approx(0.25)
    assert front_hypervolume([trial(0, 1.0, 0), trial(1, 0.2, 100)], OBJECTIVES) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1000)), max_size=12))
def test_a_share_is_between_0_and_1(figures):
    trials = [trial(number, accuracy, float(size)) for number, (accuracy, size) in enumerate(figures)]
    assert 0 <= front_hypervolume(trials, OBJECTIVES) <= 1


def test_a_trial_that_lacks_an_objective_is_on_no_front():
    trials = [trial(0, 0.9, 100), trial(1, math.nan, 50), trial(2, 0.0, 0, metrics={"accuracy": 0.99})]
    assert [member.number for member in pareto_front(trials, OBJECTIVES)] == [0]
    assert front_hypervolume(trials, OBJECTIVES) == front_hypervolume(trials[:1], OBJECTIVES)


LATENCY = (Objective.parse("accuracy:max"), Objective.parse("latency_ms:min"))


def timed(number, accuracy, latency_ms, **changes):
    return trial(number, accuracy, 1.0, metrics={"accuracy": accuracy, "latency_ms": latency_ms, **changes})


def test_a_latency_that_was_not_sure_counts_as_the_upper_end_of_its_interval():
    sure = timed(0, 0.9, 1.0, latency_is_gated=1.0, latency_high_ms=5.0)
    unsure = timed(1, 0.9, 0.8, latency_is_gated=0.0, latency_high_ms=1.2)
    fast = timed(2, 0.9, 0.5, latency_is_gated=0.0, latency_high_ms=0.9)
    assert losses(sure, LATENCY) == (-0.9, 1.0)
    assert losses(unsure, LATENCY) == (-0.9, 1.2)
    assert [one.number for one in pareto_front([sure, unsure], LATENCY)] == [0]
    assert [one.number for one in pareto_front([sure, unsure, fast], LATENCY)] == [2]
    assert front_hypervolume([unsure], LATENCY) == front_hypervolume([timed(3, 0.9, 1.2)], LATENCY)


def test_a_latency_without_a_gate_or_an_interval_counts_as_it_is():
    assert losses(timed(0, 0.9, 1.0), LATENCY) == (-0.9, 1.0)
    assert losses(timed(0, 0.9, 1.0, latency_is_gated=0.0), LATENCY) == (-0.9, 1.0)
    assert losses(timed(0, 0.9, 1.0, latency_is_gated=0.0, latency_high_ms=0.5), LATENCY) == (-0.9, 1.0)
