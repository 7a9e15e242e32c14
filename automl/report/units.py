"""Numbers as people read them: with the unit of their metric, and three digits that matter."""

import math
from collections.abc import Callable

from automl.core.installed_metrics import metric_named
from automl.core.metric import Unit

MISSING = "—"
"""Stands where a trial has no such value."""


def human_metric(name: str, value: float | None) -> str:
    """Format a value of a metric in its unit.

    >>> [human_metric("accuracy", 0.98614), human_metric("size_bytes", 12_400), human_metric("latency_ms", 0.0342)]
    ['98.61 %', '12.4 kB', '34.2 µs']
    """
    if value is None or math.isnan(value):
        return MISSING
    metric = metric_named(name)
    return f"{_FORMATS[metric.unit](value)} {metric.symbol}".rstrip()


def human_bytes(value: float) -> str:
    """Format a size in decimal units.

    >>> [human_bytes(812), human_bytes(12_400), human_bytes(4_200_000)]
    ['812 B', '12.4 kB', '4.2 MB']
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value:.0f} B"


def human_seconds(value: float) -> str:
    """Format a duration.

    >>> [human_seconds(0.0042), human_seconds(12.34), human_seconds(150), human_seconds(7260)]
    ['0.004 s', '12.3 s', '2m 30s', '2h 01m']
    """
    if value < 60:
        return f"{value:.3f} s" if value < 1 else f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {seconds:02d}s"


def human_number(value: float) -> str:
    """Format a number without a unit.

    >>> [human_number(12345.0), human_number(0.98765), human_number(1e-7)]
    ['12,345', '0.988', '1e-07']
    """
    return f"{value:,.0f}" if value == round(value, 0) else f"{value:.3g}"


def metric_title(name: str) -> str:
    """Name a metric in a heading, where each value already has its unit.

    >>> [metric_title("latency_wall_p50_ms"), metric_title("size_bytes"), metric_title("accuracy")]
    ['latency wall p50', 'size', 'accuracy']
    """
    return metric_named(name).title


def _human_milliseconds(value: float) -> str:
    if abs(value) < 0.1:
        microseconds = 1000 * value
        return f"{microseconds:.1f} µs" if abs(microseconds) >= 1 else f"{microseconds:.2g} µs"
    decimals = next((decimals for decimals, least in enumerate((100, 10, 1)) if abs(value) >= least), 3)
    return f"{value:,.{decimals}f} ms"


_FORMATS: dict[Unit, Callable[[float], str]] = {
    Unit.SHARE: lambda value: f"{100 * value:.2f} %",
    Unit.POINTS: lambda value: f"{100 * value:.2f} points",
    Unit.BYTES: human_bytes,
    Unit.MILLISECONDS: _human_milliseconds,
    Unit.SECONDS: human_seconds,
    Unit.COUNT: human_number,
    Unit.FLAG: lambda value: "yes" if value else "no",
    Unit.NUMBER: human_number,
}
