"""Candidates are ordered by layers of non-domination, and each layer is spanned early."""

import numpy as np
import pytest

from automl.core.pareto import non_dominated
from automl.core.ranking import best_first


def dominates(first, second):
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def clouds():
    generator = np.random.default_rng(0)
    for count, dimensions in [(1, 2), (2, 3), (30, 2), (60, 3)]:
        yield [tuple(int(generator.integers(12)) / 2 for _ in range(dimensions)) for _ in range(count)]


@pytest.mark.parametrize("points", list(clouds()))
def test_every_point_stands_once_and_nobody_before_who_dominates_him(points):
    order = best_first(points)
    assert sorted(order) == list(range(len(points)))
    place = {index: position for position, index in enumerate(order)}
    for first in range(len(points)):
        for second in range(len(points)):
            if dominates(points[first], points[second]):
                assert place[first] < place[second]


@pytest.mark.parametrize("points", list(clouds()))
def test_the_first_layer_is_the_front(points):
    front = non_dominated(points)
    assert sorted(best_first(points)[: len(front)]) == front


def test_the_ends_of_a_front_come_before_its_middle():
    front = [(step, 10 - step) for step in range(11)]
    assert set(best_first(front)[:2]) == {0, 10}
    assert best_first(front)[2] == 5


def test_the_scale_of_an_objective_does_not_matter():
    points = [(0.1, 5.0), (0.2, 3.0), (0.5, 2.0), (0.9, 1.0)]
    assert best_first(points) == best_first([(a * 1000, b / 7) for a, b in points])


def test_nothing_is_ordered_to_nothing():
    assert best_first([]) == []
