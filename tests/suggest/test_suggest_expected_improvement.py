"""Expected improvement agrees with brute force, and boxes with the hypervolume that they leave out."""

import math

import numpy as np
import pytest

from automl.core.pareto import hypervolume
from automl.suggest.box_decomposition import box_decomposition
from automl.suggest.expected_improvement import Forecast, expected_hypervolume_improvement


def front_of(objectives, *, points=12, seed=0):
    return [tuple(point) for point in np.random.default_rng(seed).random((points, objectives)).tolist()]


def gain(front, loss, reference):
    return hypervolume([*front, loss], reference) - hypervolume(front, reference)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_boxes_fill_exactly_what_a_front_leaves_free(objectives):
    reference = (0.9,) * objectives
    for seed in range(5):
        front = front_of(objectives, seed=seed)
        boxes = box_decomposition(front, reference)
        sides = boxes.upper - np.maximum(boxes.lower, 0.0)
        assert (boxes.upper > boxes.lower).all()
        assert sides.clip(0).prod(axis=1).sum() == pytest.approx(0.9**objectives - hypervolume(front, reference))


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_no_place_lies_in_two_boxes_and_only_dominated_ones_lie_in_none(objectives):
    front = front_of(objectives)
    boxes = box_decomposition(front, (1.0,) * objectives)
    for place in np.random.default_rng(1).random((300, objectives)):
        is_dominated = any((np.array(point) <= place).all() for point in front)
        inside = ((boxes.lower <= place) & (place < boxes.upper)).all(axis=1).sum()
        assert inside == (0 if is_dominated else 1)


def test_three_objectives_need_no_more_than_twice_as_many_boxes_as_points():
    angles = np.random.default_rng(0).random((60, 3))
    front = [tuple(point) for point in (angles / np.linalg.norm(angles, axis=1, keepdims=True)).tolist()]
    assert len(box_decomposition(front, (1.1,) * 3).upper) <= 2 * 60 + 1


def test_equal_points_and_points_beyond_the_reference_change_nothing():
    front = front_of(3)
    boxes = box_decomposition([*front, front[0], (0.1, 0.1, 2.0)], (1.0,) * 3)
    assert np.array_equal(boxes.upper, box_decomposition(front, (1.0,) * 3).upper)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_a_known_point_gains_what_the_hypervolume_says(objectives):
    front, reference = front_of(objectives), (1.0,) * objectives
    candidates = np.random.default_rng(2).random((20, objectives)) * 0.8
    forecasts = [Forecast(column, np.zeros(20)) for column in candidates.T]
    found = expected_hypervolume_improvement(forecasts, box_decomposition(front, reference))
    assert found == pytest.approx([gain(front, tuple(point), reference) for point in candidates.tolist()], abs=1e-12)


@pytest.mark.parametrize("uncertain", [1, 2, 3])
def test_an_uncertain_point_gains_what_draws_gain_on_average(uncertain):
    """The first losses are uncertain, normal and lognormal by turns; the others are known."""
    front, reference = front_of(3, points=6), (1.0,) * 3
    generator = np.random.default_rng(3)
    means, deviations = np.array([0.3, math.log(0.25), 0.4]), np.array([0.2, 0.5, 0.15])
    deviations[uncertain:] = 0.0
    forecasts = [
        Forecast(means[[i]], deviations[[i]], is_logarithmic=is_log) for i, is_log in enumerate((False, True, False))
    ]
    draws = means + deviations * generator.standard_normal((4000, 3))
    draws[:, 1] = np.exp(draws[:, 1])
    boxes = box_decomposition(front, reference)
    gains = [float((boxes.upper - np.maximum(boxes.lower, draw)).clip(0).prod(axis=1).sum()) for draw in draws]
    assert gains[:20] == pytest.approx([gain(front, tuple(draw), reference) for draw in draws[:20].tolist()])
    (found,) = expected_hypervolume_improvement(forecasts, boxes)
    assert found == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / math.sqrt(len(gains)))


def test_an_empty_front_leaves_all_to_gain():
    forecasts = [Forecast(np.array([0.25]), np.zeros(1)), Forecast(np.array([0.5]), np.zeros(1))]
    assert expected_hypervolume_improvement(forecasts, box_decomposition([], (1.0, 1.0))) == pytest.approx([0.375])


def test_a_loss_at_its_limit_keeps_to_it_and_a_known_one_does_so_surely():
    known = Forecast(np.log([49_999.0, 50_000.0, 50_001.0]), np.zeros(3), is_logarithmic=True)
    assert known.probability_below(50_000.0).tolist() == [1.0, 1.0, 0.0]
    assert Forecast(np.array([2.0]), np.array([1.0])).probability_below(2.0) == pytest.approx([0.5])


def test_each_of_many_points_has_its_own_expectation():
    """More points than are computed at a time, so that a part may not be taken for another."""
    count = 10_000
    generator = np.random.default_rng(3)
    front, reference = front_of(2), (1.0, 1.0)
    mean, deviation = generator.random((2, count)), 0.2 * generator.random((2, count))
    forecasts = [Forecast(mean[index], deviation[index]) for index in range(2)]
    boxes = box_decomposition(front, reference)
    found = expected_hypervolume_improvement(forecasts, boxes)
    assert found.shape == (count,)
    for index in (0, 4095, 4096, 4097, 8191, 8192, count - 1, *generator.integers(0, count, 50).tolist()):
        alone = [forecast.rows(index, index + 1) for forecast in forecasts]
        assert found[index] == pytest.approx(expected_hypervolume_improvement(alone, boxes)[0], rel=1e-12, abs=1e-15)
