import math

import pytest

from automl.core.direction import Direction
from automl.core.metric import METRICS, Metric, Unit, When, metric_named


@pytest.mark.parametrize("name", METRICS)
def test_a_shipped_metric_is_what_its_name_says(name):
    """The name states the unit, so that somebody who reads the store alone knows it."""
    bare = metric_named(f"own_{name}")
    shipped = METRICS[name]
    assert metric_named(name) is shipped
    assert (bare.unit, bare.better) == (shipped.unit, shipped.better)


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


def test_only_shares_that_should_be_large_have_errors():
    assert Metric("hits", Unit.SHARE, Direction.MAX).has_errors
    assert not Metric("misses", Unit.SHARE, Direction.MIN).has_errors
    assert not Metric("gated", Unit.FLAG, Direction.MAX).has_errors


def test_a_name_without_a_unit_is_a_number_that_should_be_small():
    metric = metric_named("energy_mj")
    assert (metric.unit, metric.better, metric.when) == (Unit.NUMBER, Direction.MIN, When.TRIAL)
