"""Candidates for the next proposal: all points of a small space, or random ones and mutations of good ones."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from automl.core.domain import Domain
from automl.core.space import SearchSpace
from automl.core.value import Point, Scalar

_NEAR = 0.15
"""Standard deviation of a mutation, as a share of the range; a mutation draws a new value as often (chosen by hand)."""


def whole_space(space: SearchSpace, limit: int) -> list[dict[str, Scalar]] | None:
    """List every point of a space; None where there are more than ``limit``."""
    partial: list[dict[str, Scalar]] = [dict(space.constants)]
    for parameter in space.parameters:
        values = parameter.domain.values()
        if values is None:
            return None
        grown: list[dict[str, Scalar]] = []
        for point in partial:
            grown += [{**point, parameter.name: value} for value in values] if parameter.is_active(point) else [point]
            if len(grown) > limit:
                return None
        partial = grown
    names = [parameter.name for parameter in space.parameters]
    return [{name: point[name] for name in names if name in point} for point in partial]


def random_points(space: SearchSpace, count: int, generator: np.random.Generator) -> list[dict[str, Scalar]]:
    """Draw points uniformly from every domain."""
    return [_filled(space, {}, generator) for _ in range(count)]


def mutations(
    space: SearchSpace,
    parents: Sequence[Point],
    count: int,
    generator: np.random.Generator,
    *,
    keeping: Collection[str] = (),
) -> Iterator[dict[str, Scalar]]:
    """Change one to three parameters of a parent, or one time in four of a uniform crossover of two parents.

    Choices that no longer apply fall away, and those that now do are drawn.

    Args:
        space: Where points come from.
        parents: At least one.
        count: How many points to make.
        generator: Draws parents, parameters and values.
        keeping: Owners of parameters that stay as they are; a parameter's owner is its name up to the first dot.
    """
    domains = {
        parameter.name: parameter.domain
        for parameter in space.parameters
        if parameter.name.partition(".")[0] not in keeping
    }
    for _ in range(count):
        child = dict(parents[int(generator.integers(len(parents)))])
        if generator.random() < 0.25:
            other = parents[int(generator.integers(len(parents)))]
            child |= {name: value for name, value in other.items() if name in domains and generator.random() < 0.5}
        names = [name for name in child if name in domains]
        for index in generator.choice(len(names), size=min(len(names), int(generator.integers(1, 4))), replace=False):
            child[names[index]] = _moved(domains[names[index]], child[names[index]], generator)
        yield _filled(space, child, generator)


def _moved(domain: Domain, value: Scalar, generator: np.random.Generator) -> Scalar:
    if not domain.is_ordered or generator.random() < 0.5:
        return domain.at(generator.random())
    return domain.moved(value, generator.normal(0, _NEAR))


def _filled(space: SearchSpace, wanted: Point, generator: np.random.Generator) -> dict[str, Scalar]:
    """Take what applies of ``wanted``, and draw what it lacks."""
    shares = generator.random(len(space.parameters))
    point: dict[str, Scalar] = {}
    values = dict(space.constants)
    for parameter, share in zip(space.parameters, shares, strict=True):
        if parameter.is_active(values):
            name = parameter.name
            point[name] = wanted[name] if name in wanted else parameter.domain.at(float(share))
            values[name] = point[name]
    return point
