"""Suggesters propose points: the one interface that a search has to every sampler."""

import random
from typing import Protocol

from automl.core.space import SearchSpace
from automl.core.trial import Trial
from automl.core.value import Point, Scalar


class Suggester(Protocol):
    """Proposes points and learns from finished trials."""

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a canonical point that was never proposed before; None where the space is exhausted."""
        ...

    def reserve(self, point: Point) -> None:
        """Take note of a canonical point that is about to be evaluated though it was not proposed here."""
        ...

    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial, whether it was proposed here or in an earlier run."""
        ...


def point_key(point: Point) -> tuple[tuple[str, Scalar], ...]:
    """Give equal canonical points equal keys."""
    return tuple((name, point[name]) for name in sorted(point))


def random_point(space: SearchSpace, generator: random.Random) -> dict[str, Scalar]:
    """Draw every active parameter uniformly from its domain (log-uniformly where the domain says so)."""
    point: dict[str, Scalar] = {}
    for parameter in space.parameters:
        if parameter.is_active({**space.constants, **point}):
            point[parameter.name] = parameter.domain.draw(generator)
    return point
