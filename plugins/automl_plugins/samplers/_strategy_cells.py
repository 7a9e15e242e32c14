"""Cuts a domain into a few cells, since NNI's strategies choose from lists of equal rank."""

import math
import random
from abc import ABC, abstractmethod
from functools import singledispatch

from automl.sampler import Categorical, Domain, Integer, Real, Scalar

_MOST_CELLS = 16
"""Of a domain that has an order: a search of some hundred trials tells no more of them apart (chosen by hand)."""


class Cells(ABC):
    """A domain as cells 0, 1, …: each is one value where there are few, and else a short range.

    Args:
        count: Of the cells.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def draw(self, index: int, generator: random.Random) -> Scalar:
        """Draw a value from a cell."""
        return self._at((index + generator.random()) / self._count)

    def index_of(self, value: Scalar) -> int:
        """Name the cell of a value."""
        return min(math.floor(self._share(value) * self._count), self._count - 1)

    @abstractmethod
    def _at(self, share: float) -> Scalar:
        """Give the value at a share of the domain."""

    @abstractmethod
    def _share(self, value: Scalar) -> float:
        """Say which share of the domain lies below the middle of a value."""


@singledispatch
def cells_of(domain: Domain) -> Cells:
    """Cut a domain evenly, on a logarithmic scale where the domain says so.

    >>> cells = cells_of(Integer(low=8, high=32, step=8))
    >>> [cells.draw(index, random.Random(0)) for index in range(len(cells))]
    [8, 16, 24, 32]
    >>> cells.index_of(24)
    2
    """
    raise TypeError(f"{domain!r} is no domain that can be cut into cells")


@cells_of.register
def _(domain: Categorical) -> Cells:
    return _Choices(domain)


@cells_of.register
def _(domain: Integer) -> Cells:
    if domain.log:
        return _WholeDecades(domain)
    return _Grid(domain, domain.step)


@cells_of.register
def _(domain: Real) -> Cells:
    if domain.log or domain.step is None:
        return _Stretch(domain)
    return _Grid(domain, domain.step)


class _Choices(Cells):
    """A cell a choice."""

    def __init__(self, domain: Categorical) -> None:
        super().__init__(len(domain.choices))
        self._domain = domain

    def draw(self, index: int, generator: random.Random) -> Scalar:
        generator.random()  # as the other cells do, so that equal seeds draw alike
        return self._domain.choices[index]

    def _at(self, share: float) -> Scalar:
        return self._domain.at(share)

    def _share(self, value: Scalar) -> float:
        return (self._domain.choices.index(value) + 0.5) / len(self)


class _Grid(Cells):
    """As many values a cell in each, as near as can be."""

    def __init__(self, domain: Integer | Real, step: float) -> None:
        self._values = round((domain.high - domain.low) / step) + 1
        super().__init__(min(self._values, _MOST_CELLS))
        self._domain, self._step = domain, step

    def _at(self, share: float) -> Scalar:
        return self._domain.low + min(math.floor(share * self._values), self._values - 1) * self._step

    def _share(self, value: Scalar) -> float:
        return (round((float(value) - self._domain.low) / self._step) + 0.5) / self._values


class _Stretch(Cells):
    """Real numbers without a grid: cells of equal length on the scale of the range."""

    def __init__(self, domain: Real) -> None:
        super().__init__(1 if domain.is_constant else _MOST_CELLS)
        self._domain = domain

    def _at(self, share: float) -> Scalar:
        return self._domain.at(share)

    def _share(self, value: Scalar) -> float:
        return self._domain.position(value)


class _WholeDecades(Cells):
    """Whole numbers on a logarithmic scale, where each number reaches to the next."""

    def __init__(self, domain: Integer) -> None:
        super().__init__(min(domain.high - domain.low + 1, _MOST_CELLS))
        self._low, self._high, self._end = domain.low, domain.high, domain.high + 1

    def _at(self, share: float) -> Scalar:
        value = math.exp(math.log(self._low) + share * math.log(self._end / self._low))
        return math.floor(min(max(value, self._low), self._high))

    def _share(self, value: Scalar) -> float:
        is_one_value = self._low == self._high
        return 0.0 if is_one_value else math.log((float(value) + 0.5) / self._low) / math.log(self._end / self._low)
