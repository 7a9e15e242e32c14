"""Objectives and constraints are read from text, and refuse what they cannot mean."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installed_plugins import also_installed

from automl.core.direction import Direction
from automl.core.objective import Constraint, Objective
from automl.errors import PluginError, UsageError
from automl.registry import METRIC


@pytest.mark.parametrize("text", ["accuracy:max", "latency_ms:min"])
def test_an_objective_reads_as_it_prints(text):
    assert str(Objective.parse(text)) == text


@pytest.mark.parametrize("text", ["", "speed", "accuracy:", ":max", "accuracy:up", "a b:max", "accuracy:max:min"])
def test_an_objective_of_another_form_is_refused_with_its_text(text):
    with pytest.raises(UsageError, match="METRIC:max or METRIC:min") as caught:
        Objective.parse(text)
    assert repr(text) in str(caught.value)


def test_a_metric_alone_that_is_not_known_is_told_of_the_nearest_or_why_it_cannot_be_used():
    with pytest.raises(UsageError, match=r"'acuracy' is not of the form METRIC:max .*; did you mean accuracy\?"):
        Objective.parse("acuracy")
    lacking = SimpleNamespace(name="energy_kwh", __module__="no_such_library", __qualname__="Energy")
    with (
        also_installed(METRIC, lacking),
        pytest.raises(PluginError, match=r"'energy_kwh' of tests 1 cannot be imported: ModuleNotFoundError"),
    ):
        Objective.parse("energy_kwh")


def test_a_loss_is_smaller_where_the_metric_is_better():
    larger_is_better = Objective(metric="accuracy", direction=Direction.MAX)
    smaller_is_better = Objective(metric="size_bytes", direction=Direction.MIN)
    assert larger_is_better.loss(0.9) < larger_is_better.loss(0.8)
    assert smaller_is_better.loss(10) < smaller_is_better.loss(20)


@pytest.mark.parametrize(
    ("text", "metric", "operator", "limit"),
    [
        ("size_bytes<=50000", "size_bytes", "<=", 50_000.0),
        (" accuracy >= 0.95 ", "accuracy", ">=", 0.95),
        ("latency_ms<=1e-2", "latency_ms", "<=", 0.01),
        ("gain>=-1.5", "gain", ">=", -1.5),
    ],
)
def test_a_constraint_is_read_with_its_metric_operator_and_limit(text, metric, operator, limit):
    assert Constraint.parse(text) == Constraint(metric=metric, operator=operator, limit=limit)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("size_bytes<=50kB", 50_000.0),
        ("size_bytes<=50 KiB", 51_200.0),
        ("size_bytes<=1.5MB", 1_500_000.0),
        ("size_bytes<=1e6", 1_000_000.0),
        ("size_bytes<=50_000", 50_000.0),
        ("latency_ms<=0.2ms", 0.2),
        ("latency_ms<=200us", 0.2),
        ("latency_ms<=200 \N{MICRO SIGN}s", 0.2),
        ("latency_ms<=.2", 0.2),
        ("latency_ms<=2s", 2000.0),
        ("accuracy>=95%", 0.95),
        ("accuracy>=99.9 %", 0.999),
        ("parity_gap<=0.5%", 0.005),
        ("parameters<=10k", 10_000.0),
    ],
)
def test_a_limit_may_have_a_unit_of_its_metric(text, limit):
    constraint = Constraint.parse(text)
    assert constraint.limit == limit
    assert Constraint.parse(str(constraint)) == constraint


@pytest.mark.parametrize("text", ["", "size_bytes", "<=5", "size_bytes:5", "1<=size_bytes<=5", "5"])
def test_a_constraint_of_another_form_is_refused_with_its_text(text):
    with pytest.raises(UsageError, match="METRIC<=NUMBER or METRIC>=NUMBER") as caught:
        Constraint.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("size_bytes<5", "'size_bytes<=5'"),
        ("size_bytes > 5kB", "'size_bytes>=5kB'"),
        ("size_bytes=<5", "'size_bytes<=5'"),
        ("size_bytes=>5", "'size_bytes>=5'"),
        ("size_bytes\N{LESS-THAN OR EQUAL TO}5", "'size_bytes<=5'"),
        ("size_bytes==5", "'size_bytes<=5' or 'size_bytes>=5'"),
        ("size_bytes=5", "'size_bytes<=5' or 'size_bytes>=5'"),
        ("5kB>=size_bytes", "'size_bytes<=5kB'"),
    ],
)
def test_a_comparison_of_another_kind_is_answered_with_the_right_form(text, right):
    with pytest.raises(UsageError) as caught:
        Constraint.parse(text)
    assert str(caught.value).endswith(f"; write {right}")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("size_bytes<=1e999", "too large"),
        ("size_bytes<=nan", "'nan' is no number"),
        ("size_bytes<=inf", "'inf' is no number"),
        ("size_bytes<=", "'' is no number"),
        ("size_bytes<=5ms", "'ms' in '5ms' is no unit"),
        ("latency_ms<=5kB", "'kB' in '5kB' is no unit"),
        ("accuracy>=5ms", "write it as in 0.95 or 95%"),
        ("size_bytes<=50,000", "'50,000'"),
        ("latency_reference_ratio<=95%", "'%' in '95%' is no unit"),
    ],
)
def test_a_limit_that_is_no_number_of_its_metric_is_refused(text, word):
    with pytest.raises(UsageError) as caught:
        Constraint.parse(text)
    assert repr(text) in str(caught.value)
    assert word in str(caught.value)


def test_a_violation_is_positive_only_beyond_the_limit():
    at_most = Constraint.parse("size_bytes<=100")
    at_least = Constraint.parse("accuracy>=0.5")
    assert [at_most.violation(value) for value in (90, 100, 110)] == [-10, 0, 10]
    assert [at_least.violation(value) for value in (0.75, 0.5, 0.25)] == [-0.25, 0, 0.25]


@given(limit=st.floats(allow_nan=False, allow_infinity=False), operator=st.sampled_from(["<=", ">="]))
def test_a_constraint_keeps_its_limit_when_it_is_printed_and_read(limit, operator):
    constraint = Constraint(metric="size_bytes", operator=operator, limit=limit)
    assert Constraint.parse(str(constraint)) == constraint
