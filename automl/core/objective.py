"""Objectives and constraints: what a search is for, and what it must keep to."""

import re
from difflib import get_close_matches
from typing import Literal

from pydantic import Field

from automl.core.direction import Direction
from automl.core.installed_metrics import check_usable, installed_metrics, metric_named
from automl.core.metric import When
from automl.core.quantity import quantity
from automl.core.value import Value
from automl.errors import UsageError

_METRIC = r"\s*([A-Za-z_]\w*)\s*"
_COMPARED = re.compile(rf"{_METRIC}([<>=!≤≥]+)(.*)", re.DOTALL)
_REVERSED = re.compile(rf"([^<>=!≤≥]+)([<>=≤≥]+){_METRIC}", re.DOTALL)
_TURNED = str.maketrans("<>≤≥", "><≥≤")


class Objective(Value):
    """A metric and the direction in which it is better; the metric itself is never negated."""

    metric: str
    direction: Direction

    @classmethod
    def parse(cls, text: str) -> "Objective":
        """Read ``metric:max`` or ``metric:min``; of a metric that is known here, the better way may be left out.

        >>> str(Objective.parse("accuracy:max")), str(Objective.parse("size_bytes"))
        ('accuracy:max', 'size_bytes:min')

        Raises:
            UsageError: If the text has another form.
            PluginError: If it is a metric alone whose plugin cannot be used.
        """
        if text in installed_metrics():
            return cls(metric=text, direction=metric_named(text).better)
        metric, _, direction = text.partition(":")
        if not metric.isidentifier() or direction not in tuple(Direction):
            hint = _hint(text) if text.isidentifier() else ""
            raise UsageError(
                f"objective {text!r} is not of the form METRIC:max or METRIC:min, as in accuracy:max{hint}"
            )
        return cls(metric=metric, direction=Direction(direction))

    def loss(self, value: float) -> float:
        """Turn a value into one that is better the smaller it is, for comparisons only."""
        return -value if self.direction is Direction.MAX else value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction}"


def _hint(metric: str) -> str:
    """Say why a metric that stands without its direction is not known."""
    check_usable(metric)
    wishable = [name for name, known in installed_metrics().items() if known.when is When.TRIAL]
    nearest = get_close_matches(metric, wishable, n=2, cutoff=0.6)
    if nearest:
        return f"; did you mean {' or '.join(nearest)}?"
    return "; only where its plugin is installed may the direction be left out"


class Constraint(Value):
    """A limit on a metric: the trial is feasible where it holds."""

    metric: str
    operator: Literal["<=", ">="]
    limit: float = Field(allow_inf_nan=False)

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Read ``metric<=number`` or ``metric>=number``; the number may have a unit that fits the metric.

        >>> Constraint.parse("size_bytes<=50kB").violation(60000.0)
        10000.0

        Raises:
            UsageError: If the text has another form; it shows the right one.
        """
        match = _COMPARED.fullmatch(text)
        if match is None:
            raise UsageError(
                f"constraint {text!r} is not of the form METRIC<=NUMBER or METRIC>=NUMBER, as in 'size_bytes<=50000'"
                f"{_turned(text)}"
            )
        metric, operator, number = match[1], match[2], match[3].strip()
        if operator not in ("<=", ">="):
            raise UsageError(
                f"constraint {text!r} compares by {operator!r}; write {_rewritten(metric, operator, number)}"
            )
        try:
            facts = metric_named(metric)
            limit = quantity(number, facts.unit, facts.symbol)
        except ValueError as error:
            raise UsageError(f"constraint {text!r}: {error}") from None
        return cls(metric=metric, operator="<=" if operator == "<=" else ">=", limit=limit)

    def violation(self, value: float) -> float:
        """Say by how much ``value`` breaks the limit, in the metric's unit; at most 0 where it holds."""
        return value - self.limit if self.operator == "<=" else self.limit - value

    def __str__(self) -> str:
        # All digits: the text is the key under which a trial keeps its violation.
        return f"{self.metric}{self.operator}{repr(self.limit).removesuffix('.0')}"


def _rewritten(metric: str, operator: str, number: str) -> str:
    """Show the constraint that was meant."""
    at_most, at_least = f"'{metric}<={number}'", f"'{metric}>={number}'"
    if "<" in operator or "≤" in operator:
        return at_most
    return at_least if ">" in operator or "≥" in operator else f"{at_most} or {at_least}"


def _turned(text: str) -> str:
    """Show the constraint that was meant where the number stands first."""
    match = _REVERSED.fullmatch(text)
    return f"; write {_rewritten(match[3], match[2].translate(_TURNED), match[1].strip())}" if match else ""
