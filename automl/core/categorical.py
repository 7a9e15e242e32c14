"""Lists of choices: domains without an order, unless all choices are numbers."""

import random
from typing import Literal, Self

from pydantic import Field, model_validator

from automl.core.share import inside
from automl.core.value import Scalar, Value


class Categorical(Value):
    """One of several values of one type; those that are numbers have an order."""

    kind: Literal["categorical"] = "categorical"
    choices: tuple[Scalar, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if len({type(choice) for choice in self.choices}) > 1:
            raise ValueError(f"choices {list(self.choices)} mix types; use one type")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices {list(self.choices)} repeat a value")
        return self

    def __str__(self) -> str:
        return str(list(self.choices))

    @property
    def value_type(self) -> type[Scalar]:
        """The type of the values."""
        return type(self.choices[0])

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order: ranges do, and lists of numbers."""
        return len(self._numbers()) == len(self.choices)

    @property
    def is_constant(self) -> bool:
        """Whether there is one value alone."""
        return len(self.choices) == 1

    def contains(self, value: Scalar) -> bool:
        """Say whether ``value`` is one of the choices."""
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def values(self) -> list[Scalar]:
        """List every choice, as written."""
        return list(self.choices)

    def extremes(self) -> tuple[Scalar, ...]:
        """Give all choices: none says anything of another."""
        return self.choices

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

    def at(self, share: float) -> Scalar:
        """Give the choice that lies at a share of the list, from 0 to below 1: uniform shares are uniform draws."""
        return self.choices[int(share * len(self.choices))]

    def position(self, value: Scalar) -> float:
        """Say where a number lies among the numbers in ascending order, from 0 to 1; for choices with an order.

        >>> Categorical(choices=(32, 8, 16)).position(16)
        0.5
        """
        return sorted(self.choices, key=float).index(value) / max(len(self.choices) - 1, 1)

    def moved(self, value: Scalar, by: float) -> Scalar:
        """Move a number by a share of the ordered list, no further than to its ends; for choices with an order."""
        ordered = sorted(self.choices, key=float)
        return ordered[int(inside(self.position(value) + by) * len(ordered))]

    def snapped(self, value: Scalar) -> Scalar:
        """Give equal values one form; choices have no other."""
        return value

    def draw(self, generator: random.Random) -> Scalar:
        """Draw a choice uniformly."""
        return generator.choice(self.choices)

    def described(self) -> str:
        """Say in words what a search chooses from."""
        return ", ".join(str(choice) for choice in self.choices)

    def written(self) -> list[Scalar]:
        """Give the domain as a space file writes it."""
        return list(self.choices)

    def _numbers(self) -> list[int | float]:
        return [choice for choice in self.choices if isinstance(choice, int | float) and not isinstance(choice, bool)]
