"""Cuts a domain into a few cells, since NNI's strategies choose from lists of equal rank."""

import math
import random

from automl.sampler import Categorical, Domain, Integer, Scalar

_MOST_CELLS = 16
"""Of a domain that has an order: a search of some hundred trials tells no more of them apart."""


class Cells:
    """A domain as cells 0, 1, …: each is one value where there are few, and else a short range.

    Args:
        domain: What is cut: evenly, on a logarithmic scale where the domain says so.

    >>> cells = Cells(Integer(low=8, high=32, step=8))
    >>> [cells.draw(index, random.Random(0)) for index in range(len(cells))]
    [8, 16, 24, 32]
    >>> cells.index_of(24)
    2
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._values = _count(domain)
        self._cells = self._values if isinstance(domain, Categorical) else min(self._values, _MOST_CELLS)

    def __len__(self) -> int:
        return self._cells

    def draw(self, index: int, generator: random.Random) -> Scalar:
        """Draw a value from a cell."""
        share = (index + generator.random()) / self._cells
        domain = self._domain
        if isinstance(domain, Categorical):
            return domain.choices[index]
        if domain.log:
            value = math.exp(math.log(domain.low) + share * math.log(self._end() / domain.low))
            inside = min(max(value, domain.low), domain.high)
            return math.floor(inside) if isinstance(domain, Integer) else inside
        if domain.step is None:
            return domain.low + share * (domain.high - domain.low)
        return domain.low + min(math.floor(share * self._values), self._values - 1) * domain.step

    def index_of(self, value: Scalar) -> int:
        """Name the cell of a value."""
        return min(math.floor(self._share(value) * self._cells), self._cells - 1)

    def _share(self, value: Scalar) -> float:
        """Say which share of the domain lies below the middle of a value."""
        domain = self._domain
        if isinstance(domain, Categorical):
            return (domain.choices.index(value) + 0.5) / self._values
        middle = float(value)
        if domain.log:
            middle += 0.5 if isinstance(domain, Integer) else 0.0
            return math.log(middle / domain.low) / math.log(self._end() / domain.low) if self._values > 1 else 0.0
        if domain.step is None:
            return (middle - domain.low) / (domain.high - domain.low) if self._values > 1 else 0.0
        return (round((middle - domain.low) / domain.step) + 0.5) / self._values

    def _end(self) -> float:
        """Where the last value of a logarithmic domain ends: each whole number reaches to the next."""
        assert not isinstance(self._domain, Categorical)  # noqa: S101 # for the type checker
        return self._domain.high + (1 if isinstance(self._domain, Integer) else 0)


def _count(domain: Domain) -> int:
    """Count the values of a domain; where it has no grid, as many as there may be cells."""
    if isinstance(domain, Categorical):
        return len(domain.choices)
    if domain.step is None:
        return _MOST_CELLS if domain.high > domain.low else 1
    return round((domain.high - domain.low) / domain.step) + 1
