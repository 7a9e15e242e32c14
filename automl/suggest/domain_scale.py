"""Every domain on a scale from 0 to 1: where designs are spread, values are drawn and distances are taken."""

import math

from automl.core.parameter import Categorical, Domain, Integer, Real
from automl.core.value import Scalar
from automl.suggest.suggester import on_grid


def value_at(domain: Domain, share: float) -> Scalar:
    """Give the value that lies at ``share`` of a domain, so that uniform shares are uniform draws.

    Args:
        domain: Where the value comes from.
        share: From 0 to below 1.
    """
    if isinstance(domain, Categorical):
        return domain.choices[int(share * len(domain.choices))]
    if domain.log:
        value = math.exp(math.log(domain.low) + share * math.log(domain.high / domain.low))
        value = min(max(value, domain.low), domain.high)
        return round(value) if isinstance(domain, Integer) else value
    if isinstance(domain, Integer):
        return domain.low + domain.step * int(share * ((domain.high - domain.low) // domain.step + 1))
    if domain.step is None:
        return domain.low + share * (domain.high - domain.low)
    return _grid_value(domain, domain.step, int(share * (_steps(domain, domain.step) + 1)))


def position(domain: Domain, value: Scalar) -> float:
    """Say where a value lies in an ordered domain, from 0 to 1; logarithmically where the domain says so."""
    if isinstance(domain, Categorical):
        return sorted(domain.choices, key=float).index(value) / max(len(domain.choices) - 1, 1)
    if domain.high == domain.low:
        return 0.0
    if domain.log:
        return math.log(float(value) / domain.low) / math.log(domain.high / domain.low)
    return (float(value) - domain.low) / (domain.high - domain.low)


def is_ordered(domain: Domain) -> bool:
    """Say whether values have an order: ranges do, and lists of numbers."""
    if not isinstance(domain, Categorical):
        return True
    return all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in domain.choices)


def all_values(domain: Domain) -> list[Scalar] | None:
    """List every value of a domain, in order; None where there is no end of them."""
    if isinstance(domain, Categorical):
        return list(domain.choices)
    if isinstance(domain, Integer):
        return list(range(domain.low, domain.high + 1, domain.step))
    if domain.step is None:
        return None if domain.low < domain.high else [domain.low]
    return [_grid_value(domain, domain.step, index) for index in range(_steps(domain, domain.step) + 1)]


def _steps(domain: Real, step: float) -> int:
    return round((domain.high - domain.low) / step)


def _grid_value(domain: Real, step: float, index: int) -> float:
    return on_grid(domain.low + index * step, domain.low, step)
