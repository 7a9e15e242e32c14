"""Ranges of numbers, whole or real: domains whose values have an order and a scale."""

import math
import random
from typing import Literal, Self

from pydantic import Field, model_validator

from automl.core.share import inside
from automl.core.value import Scalar, Value


class Integer(Value):
    """Whole numbers ``low, low + step, …, high``, both ends included."""

    kind: Literal["integer"] = "integer"
    low: int
    high: int
    step: int = Field(default=1, ge=1)
    log: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        _check_range(self.low, self.high, log=self.log, stepped=self.step != 1)
        if (self.high - self.low) % self.step:
            raise ValueError(f"max {self.high} is not min {self.low} plus a multiple of step {self.step}")
        return self

    def __str__(self) -> str:
        step = "" if self.step == 1 else f" step {self.step}"
        return f"whole numbers {self.low} to {self.high}{step}{' logarithmic' if self.log else ''}"

    @property
    def value_type(self) -> type[Scalar]:
        """The type of the values."""
        return int

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order: ranges do, and lists of numbers."""
        return True

    @property
    def is_constant(self) -> bool:
        """Whether there is one value alone."""
        return self.low == self.high

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` lies on the grid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def values(self) -> list[int]:
        """List every value, in order."""
        return list(range(self.low, self.high + 1, self.step))

    def extremes(self) -> tuple[int, ...]:
        """Give the values between which all others lie."""
        return (self.low, self.high)

    def largest(self) -> int:
        """Give the largest number."""
        return self.high

    def nearest(self, value: float) -> int:
        """Give the number of the grid that is nearest to ``value``.

        >>> Integer(low=8, high=64, step=8).nearest(21.0)
        24
        """
        return min(max(self.low + round((value - self.low) / self.step) * self.step, self.low), self.high)

    def middle(self) -> int:
        """Give the number in the middle, on the scale of the range."""
        return self.nearest(_middle(self.low, self.high, log=self.log))

    def at(self, share: float) -> int:
        """Give the value that lies at a share of the domain, from 0 to below 1: uniform shares are uniform draws.

        >>> Integer(low=8, high=32, step=8).at(0.5)
        24
        """
        if self.log:
            return round(_log_at(self.low, self.high, share))
        return self.low + self.step * int(share * ((self.high - self.low) // self.step + 1))

    def position(self, value: Scalar) -> float:
        """Say where a value lies in the range, from 0 to 1; logarithmically where the domain says so."""
        return _position(self.low, self.high, float(value), log=self.log)

    def moved(self, value: Scalar, by: float) -> int:
        """Move a value by a share of the range, no further than to its ends."""
        return self.at(inside(self.position(value) + by))

    def snapped(self, value: Scalar) -> Scalar:
        """Give equal values one form; whole numbers have no other."""
        return value

    def draw(self, generator: random.Random) -> int:
        """Draw a value uniformly, on the scale of the range."""
        if self.log:
            return round(_log_draw(self.low, self.high, generator))
        return generator.randrange(self.low, self.high + 1, self.step)

    def described(self) -> str:
        """Say in words what a search chooses from.

        >>> Integer(low=8, high=64, step=8).described()
        '8 to 64 in steps of 8'
        """
        return _range_words(self.low, self.high, step=None if self.step == 1 else self.step, log=self.log)

    def written(self) -> dict[str, Scalar]:
        """Give the domain as a space file writes it."""
        return _written_range(self.low, self.high, step=None if self.step == 1 else self.step, log=self.log)


class Real(Value):
    """Real numbers from ``low`` to ``high``, both ends included; on a grid where ``step`` is given."""

    kind: Literal["real"] = "real"
    low: float
    high: float
    step: float | None = Field(default=None, gt=0)
    log: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        _check_range(self.low, self.high, log=self.log, stepped=self.step is not None)
        if self.step is not None and not _is_whole((self.high - self.low) / self.step):
            raise ValueError(f"max {self.high} is not min {self.low} plus a multiple of step {self.step}")
        return self

    def __str__(self) -> str:
        step = "" if self.step is None else f" step {self.step}"
        return f"{self.low} to {self.high}{step}{' logarithmic' if self.log else ''}"

    @property
    def value_type(self) -> type[Scalar]:
        """The type of the values."""
        return float

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order: ranges do, and lists of numbers."""
        return True

    @property
    def is_constant(self) -> bool:
        """Whether there is one value alone."""
        return self.low == self.high

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` lies in the range, and on the grid where there is one."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        in_range = self.low <= value <= self.high
        return in_range and (self.step is None or _is_whole((value - self.low) / self.step))

    def values(self) -> list[float] | None:
        """List every value, in order; None where there is no end of them."""
        if self.step is None:
            return [self.low] if self.is_constant else None
        return [self._grid_value(self.step, index) for index in range(self._steps(self.step) + 1)]

    def extremes(self) -> tuple[float, ...]:
        """Give the values between which all others lie."""
        return (self.low, self.high)

    def largest(self) -> float:
        """Give the largest number."""
        return self.high

    def nearest(self, value: float) -> float:
        """Give the number of the range, or of its grid, that is nearest to ``value``.

        >>> Real(low=0.1, high=0.7, step=0.1).nearest(0.0)
        0.1
        """
        if self.step is not None:
            value = self._on_grid(value, self.step)
        return min(max(value, self.low), self.high)

    def middle(self) -> float:
        """Give the number in the middle, on the scale of the range."""
        return self.nearest(_middle(self.low, self.high, log=self.log))

    def at(self, share: float) -> float:
        """Give the value that lies at a share of the domain, from 0 to below 1: uniform shares are uniform draws.

        >>> Real(low=0.0, high=2.0).at(0.25)
        0.5
        """
        if self.log:
            return _log_at(self.low, self.high, share)
        if self.step is None:
            return self.low + share * (self.high - self.low)
        return self._grid_value(self.step, int(share * (self._steps(self.step) + 1)))

    def position(self, value: Scalar) -> float:
        """Say where a value lies in the range, from 0 to 1; logarithmically where the domain says so."""
        return _position(self.low, self.high, float(value), log=self.log)

    def moved(self, value: Scalar, by: float) -> float:
        """Move a value by a share of the range, no further than to its ends."""
        return self.at(inside(self.position(value) + by))

    def snapped(self, value: Scalar) -> Scalar:
        """Give a value the one float that its place on the grid has, so that equal points compare equal.

        >>> Real(low=0.1, high=0.7, step=0.1).snapped(0.1 + 0.2)
        0.3
        """
        return value if self.step is None or not isinstance(value, float) else self._on_grid(value, self.step)

    def draw(self, generator: random.Random) -> float:
        """Draw a value uniformly, on the scale of the range."""
        if self.log:
            return _log_draw(self.low, self.high, generator)
        if self.step is None:
            return generator.uniform(self.low, self.high)
        return self._grid_value(self.step, generator.randint(0, self._steps(self.step)))

    def described(self) -> str:
        """Say in words what a search chooses from."""
        return _range_words(self.low, self.high, step=self.step, log=self.log)

    def written(self) -> dict[str, Scalar]:
        """Give the domain as a space file writes it."""
        return _written_range(self.low, self.high, step=self.step, log=self.log)

    def _on_grid(self, value: float, step: float) -> float:
        return round(self.low + round((value - self.low) / step) * step, 10)

    def _grid_value(self, step: float, index: int) -> float:
        return self._on_grid(self.low + index * step, step)

    def _steps(self, step: float) -> int:
        return round((self.high - self.low) / step)


def _check_range(low: float, high: float, *, log: bool, stepped: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"range {low} to {high} must be finite")
    if low > high:
        raise ValueError(f"range is upside down: min {low} is above max {high}")
    if log and low <= 0:
        raise ValueError(f"a logarithmic range needs min above 0, got {low}")
    if log and stepped:
        raise ValueError("a range is either logarithmic or has a step, not both")


def _middle(low: float, high: float, *, log: bool) -> float:
    return math.sqrt(low * high) if log else (low + high) / 2


def _log_at(low: float, high: float, share: float) -> float:
    return min(max(math.exp(math.log(low) + share * math.log(high / low)), low), high)


def _log_draw(low: float, high: float, generator: random.Random) -> float:
    return math.exp(generator.uniform(math.log(low), math.log(high)))


def _position(low: float, high: float, value: float, *, log: bool) -> float:
    if high == low:
        return 0.0
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _range_words(low: float, high: float, *, step: float | None, log: bool) -> str:
    scale = ", on a logarithmic scale" if log else ""
    return f"{low:g} to {high:g}{f' in steps of {step:g}' if step is not None else ''}{scale}"


def _written_range(low: float, high: float, *, step: float | None, log: bool) -> dict[str, Scalar]:
    return {"min": low, "max": high, **({} if step is None else {"step": step}), **({"log": True} if log else {})}


def _is_whole(number: float) -> bool:
    return math.isclose(number, round(number), abs_tol=1e-6)
