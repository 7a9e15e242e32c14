"""Metrics: what a figure of a trial is called, counts, can be, and which way it is better."""

import math
from dataclasses import dataclass
from enum import StrEnum

from automl.core.direction import Direction


class Unit(StrEnum):
    """What the value of a metric counts."""

    SHARE = "share"
    """A part of one, printed in per cent."""
    POINTS = "points"
    """A difference of two shares, printed in per cent points."""
    BYTES = "bytes"
    MILLISECONDS = "ms"
    SECONDS = "seconds"
    COUNT = "count"
    """Whole things, at least one."""
    FLAG = "flag"
    """1 for yes, 0 for no."""
    NUMBER = "number"
    """A number above 0; what it counts is told by the metric's symbol, if by anything."""

    @property
    def ending(self) -> str:
        """How a name states the unit; empty where none does."""
        return _ENDINGS.get(self, "")

    @classmethod
    def stated_by(cls, name: str) -> "Unit":
        """Read the unit off the end of a name.

        >>> Unit.stated_by("train_seconds"), Unit.stated_by("speed")
        (<Unit.SECONDS: 'seconds'>, <Unit.NUMBER: 'number'>)
        """
        return next((unit for unit in cls if unit.ending and name.endswith(unit.ending)), cls.NUMBER)


class When(StrEnum):
    """When a metric is measured."""

    TRIAL = "trial"
    """On the file of a complete trial: a wish may name it."""
    END = "end"
    """Once the search is over, for the members of the final front."""


_WHOLE = {Unit.BYTES, Unit.COUNT}
_SHARES = {Unit.SHARE, Unit.POINTS, Unit.FLAG}
_ENDINGS = {Unit.BYTES: "_bytes", Unit.MILLISECONDS: "_ms", Unit.SECONDS: "_seconds"}


@dataclass(frozen=True)
class Metric:
    """A figure of a trial.

    Attributes:
        name: As objectives and constraints write it, and as the column ``metric.NAME`` bears it. The unit stands at
            its end, as in ``size_bytes`` or ``energy_mj``.
        unit: What its value counts.
        better: Which way is better.
        when: It is measured.
        is_given: Whether the user states it, so that it is the same for every network of a study.
        symbol: Printed after a number whose unit automl has no name for, such as ``mJ``.
        bounds: The least and the largest value that it can have, infinite where there is none; those of its unit
            where absent.
        gate: The metric, a flag, that says whether this one was measured well; a star marks it where it was not.
        interval: The metrics that hold the ends of its interval. One that was not measured well counts as the worse
            end.
        on_test: The metric that is the same of the test split, measured once the search is over.
        ordered_like: A metric that is known before training and orders networks nearly as this one does; trials that
            may end early are compared by it where this one is not known.
    """

    name: str
    unit: Unit = Unit.NUMBER
    better: Direction = Direction.MIN
    when: When = When.TRIAL
    is_given: bool = False
    symbol: str = ""
    bounds: tuple[float, float] | None = None
    gate: str | None = None
    interval: tuple[str, str] | None = None
    on_test: str | None = None
    ordered_like: str | None = None

    @property
    def low(self) -> float:
        """The least value."""
        if self.bounds is not None:
            return self.bounds[0]
        return 1.0 if self.is_whole else 0.0

    @property
    def high(self) -> float:
        """The largest value; infinite where there is none."""
        if self.bounds is not None:
            return self.bounds[1]
        return 1.0 if self.unit in _SHARES else math.inf

    @property
    def best(self) -> float:
        """The best possible value, which a perfect network has; infinite where there is none."""
        return self.high if self.better is Direction.MAX else self.low

    @property
    def is_low_reached(self) -> bool:
        """Whether the least value can be measured, or only what is above it."""
        return self.bounds is not None or self.is_whole or self.unit in _SHARES

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.unit in _WHOLE

    @property
    def has_errors(self) -> bool:
        """Whether it is to be brought from a worst to a best value: what is missing, the error, changes by factors."""
        has_ends = math.isfinite(self.low) and math.isfinite(self.high)
        return self.better is Direction.MAX and has_ends and self.unit is not Unit.FLAG

    @property
    def ending(self) -> str:
        """How the name states the unit; empty where it states none."""
        return f"_{self.symbol.lower()}" if self.symbol.isalnum() else self.unit.ending

    @property
    def title(self) -> str:
        """The name for a heading, where each value already has its unit.

        >>> Metric("latency_wall_p50_ms", Unit.MILLISECONDS).title, Metric("energy_mj", symbol="mJ").title
        ('latency wall p50', 'energy')
        """
        return self.name.removesuffix(self.ending).replace("_", " ")
