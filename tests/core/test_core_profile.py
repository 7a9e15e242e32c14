"""A profile is a level, a tilt over depth and local offsets, within its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.profile import Profile

small = st.floats(-1, 1)


@given(level=small, slope=small, offsets=st.lists(small, max_size=4).map(tuple), count=st.integers(0, 40))
def test_values_stay_within_their_limits(level, slope, offsets, count):
    values = Profile(level=level, slope=slope, offsets=offsets, low=0.1, high=0.9).values(count)
    assert len(values) == count
    assert all(0.1 <= value <= 0.9 for value in values)


@given(level=st.floats(0.3, 0.7), slope=st.floats(-0.3, 0.3), count=st.integers(2, 40))
def test_a_tilt_keeps_the_mean_and_reaches_both_ends(level, slope, count):
    values = Profile(level=level, slope=slope).values(count)
    assert sum(values) / count == pytest.approx(level, abs=1e-5)
    assert values[0] == pytest.approx(level - slope, abs=1e-5)
    assert values[-1] == pytest.approx(level + slope, abs=1e-5)


def test_one_layer_has_the_level_alone():
    assert Profile(level=0.5, slope=0.4).values(1) == [0.5]


def test_offsets_apply_to_equal_sections_in_order():
    assert Profile(level=0.5, offsets=(0.0, 0.1, 0.2)).values(6) == [0.5, 0.5, 0.6, 0.6, 0.7, 0.7]


def test_more_offsets_than_layers_are_no_error():
    assert Profile(level=0.5, offsets=(0.0, 0.1, 0.2, 0.3)).values(2) == [0.5, 0.7]


def test_whole_values_round_halves_up():
    profile = Profile(level=4.5, slope=1.0, low=2.0, high=8.0)
    assert profile.values(3) == [3.5, 4.5, 5.5]
    assert profile.whole_values(3) == [4, 5, 6]
