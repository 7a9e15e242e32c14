"""Domains contain what they say, refuse ranges that make no sense, and lie on a scale from 0 to 1."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from automl.core.domain import Categorical, Domain, Integer, Real

DOMAINS = [
    Integer(low=8, high=32, step=8),
    Integer(low=4, high=400, log=True),
    Real(low=0.1, high=0.7, step=0.1),
    Real(low=-1.0, high=1.0),
    Real(low=1e-4, high=0.1, log=True),
    Categorical(choices=("a", "b", "c")),
]


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


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_every_share_is_a_value_of_the_domain(domain):
    values = [domain.at(share) for share in np.linspace(0, 1, 500, endpoint=False)]
    assert all(domain.contains(value) for value in values)
    listed = domain.values()
    assert listed is None or set(values) <= set(listed)
    assert listed is None or len(set(values)) >= min(len(listed), 150)


@pytest.mark.parametrize("domain", DOMAINS[:-1], ids=str)
def test_positions_ascend_with_shares(domain):
    positions = [domain.position(domain.at(share)) for share in np.linspace(0, 1, 100, endpoint=False)]
    assert positions == sorted(positions)
    assert positions[0] == pytest.approx(0.0, abs=1e-12)
    assert positions[-1] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_draws_fill_the_domain_and_lie_within_it(domain):
    generator = random.Random(0)  # noqa: S311 # no secret depends on it
    drawn = {domain.draw(generator) for _ in range(5000)}
    assert all(domain.contains(value) for value in drawn)
    listed = domain.values()
    assert len(drawn) > 1000 if listed is None else len(drawn) >= 0.9 * len(listed)


@pytest.mark.parametrize("domain", [*DOMAINS[:-1], Categorical(choices=(32, 8, 16))], ids=str)
def test_a_value_that_moves_stays_in_the_domain_and_stops_at_its_ends(domain):
    middle, ends = domain.middle(), (min(domain.extremes()), max(domain.extremes()))
    assert domain.contains(domain.moved(middle, 0.2))
    assert [domain.moved(middle, by) for by in (-9.0, 9.0)] == pytest.approx(ends)


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_what_is_drawn_snaps_to_itself(domain):
    generator = random.Random(1)  # noqa: S311 # no secret depends on it
    drawn = [domain.draw(generator) for _ in range(50)]
    assert [domain.snapped(value) for value in drawn] == drawn
    assert {type(value) for value in drawn} == {domain.value_type}


def test_only_numbers_have_an_order():
    ordered = [*DOMAINS[:-1], Categorical(choices=(32, 8, 16)), Categorical(choices=(0.5, 0.25))]
    unordered = [DOMAINS[-1], Categorical(choices=(False, True))]
    assert [domain.is_ordered for domain in (*ordered, *unordered)] == [True] * len(ordered) + [False] * len(unordered)
