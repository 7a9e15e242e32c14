import numpy as np
import pytest

from automl.measure.agreement import Agreement
from automl_plugins.tasks.classification import Classification

TASK = Classification(outputs=10)
LOGITS = np.random.default_rng(0).normal(0, 3, (500, 10)).astype(np.float32)


def agreement_of(expected, found):
    return Agreement.of(expected, found, TASK)


def test_equal_logits_agree_fully() -> None:
    assert agreement_of(LOGITS, LOGITS) == Agreement(500, 1.0, 0.0, 0.0)


def test_figures_are_those_of_the_definitions() -> None:
    expected = np.array([[1, 0], [0, 1], [3, 0], [0, 4]], np.float32)
    found = np.array([[1, 0], [2, 1], [3, 0], [0, 4]], np.float32)
    agreement = agreement_of(expected, found)
    assert (agreement.same_answers, agreement.largest_difference) == (0.75, 2.0)
    assert agreement.deviation == pytest.approx(np.sqrt(4 / 8) / expected.std())
    assert "75.0% of 4 images, logits at most 2 apart" in str(agreement)


def test_the_rounding_of_other_kernels_is_close() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, LOGITS.shape).astype(np.float32)
    assert agreement_of(LOGITS, LOGITS + noise).is_close


@pytest.mark.parametrize("found", [LOGITS[::-1], LOGITS * 1.3, np.zeros_like(LOGITS), np.full_like(LOGITS, np.nan)])
def test_another_network_is_not(found: np.ndarray) -> None:
    assert not agreement_of(LOGITS, found).is_close


def test_rounding_may_change_the_answers_of_a_network_that_is_hardly_sure():
    sure = np.repeat(np.arange(4.0, dtype=np.float32)[:, None], 10, axis=1)
    unsure = sure + np.random.default_rng(0).normal(0, 1e-3, sure.shape).astype(np.float32)
    rounded = agreement_of(unsure, unsure[:, ::-1])
    assert rounded.is_rounding
    assert not rounded.is_close
    assert not agreement_of(sure, sure[::-1]).is_rounding
    assert not agreement_of(sure, np.full_like(sure, np.nan)).is_rounding
