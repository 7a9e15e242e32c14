import numpy as np
import pytest

from automl.predict.prices import fit_prices, total_price


def test_prices_explain_the_totals():
    works = [{"conv": float(n), "run": 1.0} for n in range(1, 30)]
    prices = fit_prices(works, np.array([5 + 3 * work["conv"] for work in works]))
    assert total_price(prices, {"conv": 40.0, "run": 1.0}) == pytest.approx(125, rel=0.02)


def test_no_price_is_below_zero():
    works = [{"conv": float(n), "rebate": float(n % 7), "run": 1.0} for n in range(1, 30)]
    prices = fit_prices(works, np.array([20 + 3 * work["conv"] - work["rebate"] for work in works]))
    assert prices["rebate"] == 0


def test_what_has_no_price_is_free():
    assert total_price({"run": 2.0}, {"run": 1.0, "linear": 9.0}) == 2.0
