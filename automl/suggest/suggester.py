"""What proposes points: the one interface that every sampler stands behind."""

import math
import random
from typing import Protocol

from automl.core.parameter import Categorical, Integer, Parameter
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
            point[parameter.name] = _draw(parameter, generator)
    return point


def on_grid(value: float, low: float, step: float | None) -> float:
    """Give a real value the one float that its grid position has, so that equal points compare equal."""
    return value if step is None else round(low + round((value - low) / step) * step, 10)


def _draw(parameter: Parameter, generator: random.Random) -> Scalar:
    domain = parameter.domain
    if isinstance(domain, Categorical):
        return generator.choice(domain.choices)
    if domain.log:
        value = math.exp(generator.uniform(math.log(domain.low), math.log(domain.high)))
        return round(value) if isinstance(domain, Integer) else value
    if isinstance(domain, Integer):
        return generator.randrange(domain.low, domain.high + 1, domain.step)
    if domain.step is None:
        return generator.uniform(domain.low, domain.high)
    steps = round((domain.high - domain.low) / domain.step)
    return on_grid(domain.low + generator.randint(0, steps) * domain.step, domain.low, domain.step)
