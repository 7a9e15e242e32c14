"""Domains contain what they say, and refuse ranges that make no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from automl.core.parameter import Categorical, Condition, Domain, Integer, Parameter, Real, check_parameters


@given(low=st.integers(-50, 50), step=st.integers(1, 9), count=st.integers(0, 9), value=st.integers(-150, 150))
def test_an_integer_domain_holds_its_grid(low, step, count, value):
    domain = Integer(low=low, high=low + step * count, step=step)
    assert domain.contains(value) == (value in range(low, low + step * count + 1, step))


@given(count=st.integers(0, 100), index=st.integers(0, 100))
def test_a_real_grid_holds_its_points_despite_rounding(count, index):
    domain = Real(low=0.1, high=0.1 + 0.1 * max(count, index), step=0.1)
    assert domain.contains(min(0.1 + 0.1 * index, domain.high))
    assert not domain.contains(0.1 + 0.1 * index + 0.05)


def test_a_real_range_holds_its_ends_and_whole_numbers():
    domain = Real(low=0.0, high=1.0)
    assert all(domain.contains(value) for value in (0.0, 0.3, 1.0, 1))
    assert not any(domain.contains(value) for value in (-0.01, 1.01, float("nan"), True, "0.5"))


def test_a_boolean_is_no_number():
    assert not Integer(low=0, high=1).contains(True)
    assert not Categorical(choices=(0, 1)).contains(True)
    assert Categorical(choices=(False, True)).contains(True)
    assert not Categorical(choices=(1.0, 2.0)).contains(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Integer(low=3, high=2), "upside down"),
        (lambda: Integer(low=0, high=10, step=3), "multiple of step 3"),
        (lambda: Integer(low=0, high=8, log=True), "min above 0"),
        (lambda: Integer(low=1, high=9, step=2, log=True), "either logarithmic or has a step"),
        (lambda: Real(low=0.0, high=float("inf")), "finite"),
        (lambda: Real(low=1.0, high=0.0), "upside down"),
        (lambda: Real(low=0.0, high=1.0, step=0.3), r"multiple of step 0\.3"),
        (lambda: Real(low=0.0, high=1.0, step=0.0), "greater than 0"),
        (lambda: Categorical(choices=()), "at least 1"),
        (lambda: Categorical(choices=(1, "a")), "mix types"),
        (lambda: Categorical(choices=("a", "a")), "repeat"),
    ],
)
def test_a_domain_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValidationError, match=message):
        make()


@pytest.mark.parametrize(
    "domain",
    [Integer(low=1, high=9, step=2), Real(low=1e-4, high=1.0, log=True), Categorical(choices=(True, False))],
)
def test_a_domain_comes_back_from_json(domain):
    adapter = TypeAdapter(Domain)
    assert adapter.validate_json(adapter.dump_json(domain)) == domain


def test_a_parameter_applies_where_its_condition_holds():
    parameter = Parameter(
        name="width", domain=Integer(low=1, high=2), condition=Condition(parameter="depth", values=(2, 3))
    )
    assert parameter.is_active({"depth": 2})
    assert not parameter.is_active({"depth": 1})
    assert not parameter.is_active({})


def test_a_parameter_declared_twice_is_refused():
    parameter = Parameter(name="depth", domain=Integer(low=1, high=2))
    with pytest.raises(ValueError, match="'depth' is declared twice"):
        check_parameters((parameter, parameter), {})
    with pytest.raises(ValueError, match="'depth' is declared twice"):
        check_parameters((parameter,), {"depth": 1})


def test_a_condition_on_a_later_parameter_is_refused():
    child = Parameter(name="width", domain=Integer(low=1, high=2), condition=Condition(parameter="depth", values=(1,)))
    parent = Parameter(name="depth", domain=Integer(low=1, high=2))
    with pytest.raises(ValueError, match="'width' depends on 'depth', which is not declared before it"):
        check_parameters((child, parent), {})
    check_parameters((parent, child), {})
    check_parameters((child,), {"depth": 1})
