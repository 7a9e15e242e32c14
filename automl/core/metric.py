"""Metrics: what a figure of a trial is called, counts, can be, and which way it is better."""

import math
from collections.abc import Mapping
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
    """A number above 0 without a unit, or with one that is told by the name alone."""


class When(StrEnum):
    """When a metric is measured."""

    TRIAL = "trial"
    """On the file of every complete trial: a wish may name it."""
    END = "end"
    """Once the search is over, for the members of the final front."""


_WHOLE = {Unit.BYTES, Unit.COUNT}
_SHARES = {Unit.SHARE, Unit.POINTS, Unit.FLAG}


@dataclass(frozen=True)
class Metric:
    """A figure of a trial.

    Attributes:
        name: As objectives and constraints write it, and as the column ``metric.NAME`` bears it.
        unit: What its value counts.
        better: Which way is better.
        when: It is measured.
        is_given: Whether the user states it, so that it is the same for every network of a study.
    """

    name: str
    unit: Unit
    better: Direction = Direction.MIN
    when: When = When.TRIAL
    is_given: bool = False

    @property
    def low(self) -> float:
        """The least value."""
        return 1.0 if self.is_whole else 0.0

    @property
    def high(self) -> float:
        """The largest value; infinite where there is none."""
        return 1.0 if self.unit in _SHARES else math.inf

    @property
    def is_low_reached(self) -> bool:
        """Whether the least value can be measured, or only what is above it."""
        return self.is_whole or self.unit in _SHARES

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.unit in _WHOLE

    @property
    def has_errors(self) -> bool:
        """Whether it is a share to bring up to one: what is missing to it, the error, changes by factors."""
        return self.unit is Unit.SHARE and self.better is Direction.MAX


_SHIPPED = (
    Metric("accuracy", Unit.SHARE, Direction.MAX),
    Metric("size_bytes", Unit.BYTES),
    Metric("download_bytes", Unit.BYTES),
    Metric("latency_ms", Unit.MILLISECONDS),
    Metric("test_accuracy", Unit.SHARE, Direction.MAX, When.END),
    Metric("parity_gap", Unit.POINTS),
    Metric("parameters", Unit.COUNT),
    Metric("latency_low_ms", Unit.MILLISECONDS),
    Metric("latency_high_ms", Unit.MILLISECONDS),
    Metric("latency_wall_p50_ms", Unit.MILLISECONDS),
    Metric("latency_wall_p95_ms", Unit.MILLISECONDS),
    Metric("latency_reference_ratio", Unit.NUMBER),
    Metric("latency_is_gated", Unit.FLAG, Direction.MAX),
    Metric("latency_threads", Unit.COUNT, is_given=True),
    Metric("latency_batch", Unit.COUNT, is_given=True),
    Metric("latency_idle_ms", Unit.MILLISECONDS, when=When.END),
    Metric("latency_idle_is_gated", Unit.FLAG, Direction.MAX, When.END),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _SHIPPED}
"""The metrics that automl measures, by name, in the order of their columns."""

_UNITS_IN_NAMES = {
    "_bytes": Unit.BYTES,
    "_ms": Unit.MILLISECONDS,
    "_seconds": Unit.SECONDS,
    "_gap": Unit.POINTS,
    "_is_gated": Unit.FLAG,
    "_threads": Unit.COUNT,
    "_batch": Unit.COUNT,
    "parameters": Unit.COUNT,
}
_SHARE_NAME = "accuracy"


def metric_named(name: str) -> Metric:
    """Give a metric; of one that automl does not measure, what its name says: the unit stands at its end.

    >>> metric_named("energy_ms").unit, metric_named("top5_accuracy").better, metric_named("energy_mj").unit
    (<Unit.MILLISECONDS: 'ms'>, <Direction.MAX: 'max'>, <Unit.NUMBER: 'number'>)
    """
    if name in METRICS:
        return METRICS[name]
    if name.endswith(_SHARE_NAME):
        return Metric(name, Unit.SHARE, Direction.MAX)
    unit = next((unit for ending, unit in _UNITS_IN_NAMES.items() if name.endswith(ending)), Unit.NUMBER)
    return Metric(name, unit, Direction.MAX if unit is Unit.FLAG else Direction.MIN)
