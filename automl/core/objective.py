"""Objectives and constraints: what a search is for, and what it must keep to."""

import re
from enum import StrEnum
from typing import Literal

from automl.core.value import Value
from automl.errors import UsageError

_CONSTRAINT = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=)\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")


class Direction(StrEnum):
    """Which way is better."""

    MAX = "max"
    MIN = "min"


class Objective(Value):
    """A metric and the direction in which it is better; the metric itself is never negated."""

    metric: str
    direction: Direction

    @classmethod
    def parse(cls, text: str) -> "Objective":
        """Read ``metric:max`` or ``metric:min``.

        >>> str(Objective.parse("accuracy:max"))
        'accuracy:max'

        Raises:
            UsageError: If the text has another form.
        """
        metric, _, direction = text.partition(":")
        if not metric.isidentifier() or direction not in tuple(Direction):
            raise UsageError(f"objective {text!r} is not of the form METRIC:max or METRIC:min, as in accuracy:max")
        return cls(metric=metric, direction=Direction(direction))

    def loss(self, value: float) -> float:
        """Turn a value into one that is better the smaller it is, for comparisons only."""
        return -value if self.direction is Direction.MAX else value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction}"


class Constraint(Value):
    """A limit on a metric: the trial is feasible where it holds."""

    metric: str
    operator: Literal["<=", ">="]
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Read ``metric<=number`` or ``metric>=number``.

        >>> Constraint.parse("size_bytes<=50000").violation(60000.0)
        10000.0

        Raises:
            UsageError: If the text has another form.
        """
        match = _CONSTRAINT.fullmatch(text)
        if match is None:
            raise UsageError(
                f"constraint {text!r} is not of the form METRIC<=NUMBER or METRIC>=NUMBER, as in 'size_bytes<=50000'"
            )
        metric, operator, limit = match.groups()
        return cls(metric=metric, operator="<=" if operator == "<=" else ">=", limit=float(limit))

    def violation(self, value: float) -> float:
        """Say by how much ``value`` breaks the limit, in the metric's unit; at most 0 where it holds."""
        return value - self.limit if self.operator == "<=" else self.limit - value

    def __str__(self) -> str:
        # All digits: the text is the key under which a trial keeps its violation.
        return f"{self.metric}{self.operator}{repr(self.limit).removesuffix('.0')}"
