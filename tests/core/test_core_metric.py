import math
from dataclasses import replace

import pytest

from automl.core.direction import Direction
from automl.core.installed_metrics import metric_named
from automl.core.metric import Metric, Unit, When


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        (Unit.SHARE, (0.0, 1.0, True)),
        (Unit.POINTS, (0.0, 1.0, True)),
        (Unit.FLAG, (0.0, 1.0, True)),
        (Unit.BYTES, (1.0, math.inf, True)),
        (Unit.COUNT, (1.0, math.inf, True)),
        (Unit.MILLISECONDS, (0.0, math.inf, False)),
        (Unit.NUMBER, (0.0, math.inf, False)),
    ],
)
def test_the_unit_bounds_the_values(unit, values):
    metric = Metric("any", unit)
    assert (metric.low, metric.high, metric.is_low_reached) == values


def test_a_metric_may_have_bounds_of_its_own():
    metric = Metric("gain_db", symbol="dB", better=Direction.MAX, bounds=(-math.inf, 60.0))
    assert (metric.low, metric.high, metric.best) == (-math.inf, 60.0, 60.0)
    assert not metric.has_errors
    assert replace(metric, bounds=(-60.0, 60.0)).has_errors


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        (Metric("hits", Unit.SHARE, Direction.MAX), 1.0),
        (Metric("misses", Unit.SHARE), 0.0),
        (Metric("size_bytes", Unit.BYTES), 1.0),
        (Metric("speed", better=Direction.MAX), math.inf),
    ],
)
def test_the_best_value_stands_where_the_better_way_ends(metric, best):
    assert metric.best == best


def test_only_shares_that_should_be_large_have_errors():
    assert Metric("hits", Unit.SHARE, Direction.MAX).has_errors
    assert not Metric("misses", Unit.SHARE, Direction.MIN).has_errors
    assert not Metric("gated", Unit.FLAG, Direction.MAX).has_errors
    assert not Metric("speed", Unit.NUMBER, Direction.MAX).has_errors


def test_a_metric_that_nobody_brings_is_a_number_that_should_be_small():
    metric = metric_named("energy_mj")
    assert (metric.unit, metric.better, metric.when) == (Unit.NUMBER, Direction.MIN, When.TRIAL)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("own_size_bytes", Unit.BYTES),
        ("own_latency_ms", Unit.MILLISECONDS),
        ("train_seconds", Unit.SECONDS),
        ("own_accuracy", Unit.NUMBER),
        ("own_parameters", Unit.NUMBER),
    ],
)
def test_nothing_but_the_unit_is_read_off_a_name(name, unit):
    assert metric_named(name) == Metric(name, unit)
