import math

import pytest

from automl.core.fidelity import EXACT, ROUNDED, Transition, bound, first_beyond

MEANT = {Transition.PRUNE, Transition.QUANTIZE}


@pytest.mark.parametrize("transition", [each for each in Transition if each not in MEANT])
@pytest.mark.parametrize("is_quantized", [False, True])
def test_a_gap_is_beyond_its_bound_just_above_it(transition, is_quantized):
    limit = bound(transition, is_quantized=is_quantized)
    assert first_beyond({transition: limit}, is_quantized=is_quantized) is None
    assert first_beyond({transition: limit * 1.01}, is_quantized=is_quantized) is transition
    assert first_beyond({transition: math.nan}, is_quantized=is_quantized) is transition
    assert first_beyond({transition: math.inf}, is_quantized=is_quantized) is transition


@pytest.mark.parametrize("transition", sorted(MEANT))
def test_what_means_to_change_the_network_has_no_bound(transition):
    assert first_beyond({transition: 5.0}, is_quantized=True) is None


def test_the_file_of_a_float_network_must_be_exact_and_that_of_a_quantized_one_rounded():
    assert bound(Transition.EXPORT, is_quantized=False) == EXACT
    assert bound(Transition.EXPORT, is_quantized=True) == ROUNDED


def test_the_first_rewrite_on_the_way_is_named_whatever_the_order_of_the_gaps():
    gaps = {Transition.CONVERT: 1.0, Transition.EXPORT: 1.0, Transition.FOLD: 0.0}
    assert first_beyond(gaps, is_quantized=False) is Transition.EXPORT
