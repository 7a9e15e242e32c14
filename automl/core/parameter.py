"""Domains and parameters: what a search may choose from, and when a choice applies."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from automl.core.value import Point, Scalar, Value


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

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` lies on the grid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

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

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` lies in the range, and on the grid where there is one."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        in_range = self.low <= value <= self.high
        return in_range and (self.step is None or _is_whole((value - self.low) / self.step))

    def largest(self) -> float:
        """Give the largest number."""
        return self.high

    def nearest(self, value: float) -> float:
        """Give the number of the range, or of its grid, that is nearest to ``value``.

        >>> Real(low=0.1, high=0.7, step=0.1).nearest(0.0)
        0.1
        """
        if self.step is not None:
            value = round(self.low + round((value - self.low) / self.step) * self.step, 10)
        return min(max(value, self.low), self.high)

    def middle(self) -> float:
        """Give the number in the middle, on the scale of the range."""
        return self.nearest(_middle(self.low, self.high, log=self.log))


class Categorical(Value):
    """One of several values of one type, without an order."""

    kind: Literal["categorical"] = "categorical"
    choices: tuple[Scalar, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if len({type(choice) for choice in self.choices}) > 1:
            raise ValueError(f"choices {list(self.choices)} mix types; use one type")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices {list(self.choices)} repeat a value")
        return self

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` is one of the choices."""
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def largest(self) -> Scalar:
        """Give the largest number, or the first choice where there are none."""
        return max(self._numbers(), default=self.choices[0])

    def nearest(self, value: float) -> Scalar:
        """Give the number nearest to ``value``, or the first choice where there are none.

        >>> Categorical(choices=(8, 16, 32)).nearest(20.0)
        16
        """
        return min(self._numbers(), key=lambda number: abs(number - value), default=self.choices[0])

    def middle(self) -> Scalar:
        """Give the number in the middle of the numbers' range, or the first choice where there are none."""
        numbers = self._numbers()
        return self.nearest((min(numbers) + max(numbers)) / 2) if numbers else self.choices[0]

    def _numbers(self) -> list[int | float]:
        return [choice for choice in self.choices if isinstance(choice, int | float) and not isinstance(choice, bool)]


Domain = Annotated[Integer | Real | Categorical, Field(discriminator="kind")]


class Condition(Value):
    """A parameter applies only where another one has one of these values."""

    parameter: str
    values: tuple[Scalar, ...]


class Parameter(Value):
    """One dimension of a search space."""

    name: str
    domain: Domain
    condition: Condition | None = None

    def is_active(self, point: Point) -> bool:
        """Say whether the parameter applies, given the parameters before it in ``point``."""
        return self.condition is None or point.get(self.condition.parameter) in self.condition.values


def check_parameters(parameters: tuple[Parameter, ...], constants: Point) -> None:
    """Refuse two parameters of one name, and a condition on a parameter that does not stand before it.

    Raises:
        ValueError: Naming the parameter at fault.
    """
    known = set(constants)
    for parameter in parameters:
        if parameter.name in known:
            raise ValueError(f"parameter {parameter.name!r} is declared twice")
        if parameter.condition is not None and parameter.condition.parameter not in known:
            raise ValueError(
                f"parameter {parameter.name!r} depends on {parameter.condition.parameter!r}, "
                "which is not declared before it"
            )
        known.add(parameter.name)


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


def _is_whole(number: float) -> bool:
    return math.isclose(number, round(number), abs_tol=1e-6)
