"""Makes points of any sampler canonical, and draws a random one where a sampler repeats itself."""

import random
from collections.abc import Container, Mapping

from automl.core.space import SearchSpace
from automl.core.value import Point, Scalar
from automl.errors import SearchError
from automl.suggest.suggester import point_key, random_point

_RANDOM_TRIES = 2000
"""Random points of which none is new before the space counts as exhausted."""


def canonical_proposal(space: SearchSpace, proposed: Point, *, sampler: str) -> dict[str, Scalar]:
    """Drop the parameters that do not apply, and set real values on their grids.

    Args:
        space: That the point shall be of.
        proposed: A value for every parameter.
        sampler: Who proposed it.

    Raises:
        SearchError: If the point is outside the space, or no point at all.
    """
    if not isinstance(proposed, Mapping):
        raise SearchError(
            f"sampler {sampler!r} proposed {proposed!r}, which maps no parameters to values; "
            "run the same command with another --sampler to go on"
        )
    point = dict(proposed)
    for parameter in space.parameters:
        if parameter.name in point:
            point[parameter.name] = parameter.domain.snapped(point[parameter.name])
    try:
        return space.canonical(point)
    except ValueError as error:
        raise SearchError(
            f"sampler {sampler!r} left the search space: {error}; run the same command with another --sampler to go on"
        ) from error


def unseen_point(space: SearchSpace, generator: random.Random, seen: Container[object]) -> dict[str, Scalar] | None:
    """Draw a point whose key is not among those seen; None where 2,000 draws find none."""
    for _ in range(_RANDOM_TRIES):
        point = random_point(space, generator)
        if point_key(point) not in seen:
            return point
    return None
