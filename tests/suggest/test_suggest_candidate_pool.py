"""Candidates are canonical points: all of a small space, or draws and mutations of a large one."""

from collections import Counter

import numpy as np
import pytest
from tiny_study import line_space, tiny_space, wide_space

from automl.core.stage import Stage
from automl.spaces.load import load_space
from automl.suggest.candidate_pool import mutations, random_points, whole_space
from automl.suggest.initial_design import latin_hypercubes
from automl.suggest.suggester import point_key


def generator(seed=0):
    return np.random.default_rng(seed)


def test_a_small_space_is_listed_whole_and_once_each():
    points = whole_space(tiny_space(), 10)
    assert len({point_key(point) for point in points}) == len(points) == 10
    assert [tiny_space().canonical(point) for point in points] == points


@pytest.mark.parametrize(("space", "limit"), [(tiny_space(), 9), (line_space(), 10**6)])
def test_a_space_that_is_too_large_or_continuous_is_not_listed(space, limit):
    assert whole_space(space, limit) is None


def test_draws_and_mutations_are_canonical_points():
    space = wide_space()
    drawn = random_points(space, 100, generator())
    mutated = list(mutations(space, drawn[:5], 200, generator(1)))
    assert all(space.canonical(point) == point for point in [*drawn, *mutated])


def test_a_mutation_stays_near_its_parents():
    space = wide_space()
    (parent,) = random_points(space, 1, generator(3))
    for child in mutations(space, [parent], 100, generator()):
        shared = parent.keys() & child.keys()
        assert sum(parent[name] != child[name] for name in shared) <= 3


def test_a_mutation_keeps_what_it_shall_keep():
    space = load_space("digits")
    parents = random_points(space, 5, generator(3))
    kept = space.owners(Stage.ARCHITECTURE)

    def architecture(point):
        return point_key({name: value for name, value in point.items() if name.partition(".")[0] in kept})

    children = list(mutations(space, parents, 100, generator(), keeping=kept))
    assert {architecture(child) for child in children} <= {architecture(parent) for parent in parents}
    assert len({point_key(child) for child in children}) > 80
    assert all(space.canonical(child) == child for child in children)


def test_a_design_takes_each_part_of_a_domain_once():
    design = latin_hypercubes(line_space(), 12, seed=4)
    for _ in range(2):
        points = [next(design) for _ in range(12)]
        for name in points[0]:
            assert Counter(int(point[name] * 12) for point in points) == Counter(range(12))


def test_a_design_balances_choices_and_leaves_out_what_does_not_apply():
    points = [point for point, _ in zip(latin_hypercubes(wide_space(), 12, seed=0), range(12), strict=False)]
    assert Counter(point["pruner"] for point in points) == {"none": 4, "l1_norm": 4, "fpgm": 4}
    assert all(wide_space().canonical(point) == point for point in points)
