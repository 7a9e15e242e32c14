import math

import numpy as np
import pytest
import torch
from torch import nn

from automl.network.answers import answer_gap, answers

LOGITS = np.random.default_rng(0).normal(size=(24, 10)).astype(np.float32)


def test_the_same_logits_have_no_gap():
    assert answer_gap(LOGITS, LOGITS.copy()) == 0.0


def test_rounding_is_no_gap_and_a_thousandth_of_the_spread_is():
    assert answer_gap(LOGITS, LOGITS * np.float32(1 + 1e-6)) == 0.0
    assert answer_gap(LOGITS, LOGITS * np.float32(1.01)) == pytest.approx(0.01, rel=0.05)


def test_what_all_images_have_in_common_is_no_spread():
    """Beside a bias of a hundred, answers that differ by a hundredth would look alike."""
    biased = LOGITS / 100 + 100 * np.arange(10, dtype=np.float32)
    assert answer_gap(biased, biased[::-1]) > 0.3


def test_one_image_of_many_that_is_answered_otherwise_is_seen():
    logits = np.random.default_rng(0).normal(size=(2000, 10)).astype(np.float32)
    found = logits.copy()
    found[7] = -found[7]
    assert answer_gap(logits, found) > 1e-3


def test_logits_that_do_not_depend_on_the_image_are_compared_all_the_same():
    constant = np.tile(np.arange(10, dtype=np.float32), (5, 1))
    assert answer_gap(constant, constant) == 0.0
    assert answer_gap(constant, constant[:, ::-1]) > 0.5
    assert answer_gap(np.zeros((5, 10), np.float32), np.zeros((5, 10), np.float32)) == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_only_the_same_infinities_are_the_same(value):
    broken = LOGITS.copy()
    broken[3, 3] = value
    assert answer_gap(LOGITS, broken) == math.inf
    assert answer_gap(broken, LOGITS) == math.inf
    assert answer_gap(broken, broken.copy()) == 0.0


def test_answers_are_those_of_evaluation_mode():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3)).train()
    images = torch.randn(6, 1, 2, 2)
    np.testing.assert_array_equal(answers(model, images), answers(model, images))
    assert not model.training
