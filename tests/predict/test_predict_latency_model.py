import numpy as np
import pytest

from automl.errors import SearchError
from automl.predict.latency_model import LatencyModel, TimedNetwork, prediction_error

PRICES_MS = {"run": 0.002, "conv": 0.001, "conv, macs": 1e-7, "idle": 0.0}


def networks(count: int, *, noise: float = 0.0) -> list[TimedNetwork]:
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        work = {"run": 1.0, "conv": float(random.integers(1, 9)), "idle": float(random.integers(0, 5))}
        work["conv, macs"] = work["conv"] * float(random.integers(10_000, 200_000))
        latency_ms = sum(PRICES_MS[name] * amount for name, amount in work.items())
        made.append(TimedNetwork(work, latency_ms * float(random.uniform(1 - noise, 1 + noise))))
    return made


def test_prices_are_found():
    model = LatencyModel.fit(networks(60))
    for unseen in networks(80)[60:]:
        assert model.predict_ms(unseen.work) == pytest.approx(unseen.latency_ms, rel=0.02)
    assert model.error.median < 0.02
    assert model.error.rank_correlation > 0.99


def test_no_price_is_below_zero():
    model = LatencyModel.fit(networks(40, noise=0.3))
    assert min(model.prices_ms.values()) >= 0


def test_error_is_that_on_networks_left_out():
    model = LatencyModel.fit(networks(60, noise=0.2))
    assert model.error.networks == 60
    assert model.error.median == pytest.approx(0.1, abs=0.04)  # of a uniform error up to 20 percent


def test_work_that_was_never_measured_has_no_price():
    model = LatencyModel.fit(networks(20))
    assert model.predict_ms({"run": 1.0, "conv": 2.0}) is not None
    assert model.predict_ms({"run": 1.0, "linear": 1.0}) is None


def test_too_few_networks_are_refused():
    with pytest.raises(SearchError, match="needs 20 measured networks and has 19"):
        LatencyModel.fit(networks(19))


def test_errors_of_a_prediction():
    error = prediction_error(np.array([1.1, 1.8, 3.0, 8.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert error.median == pytest.approx(0.1)
    assert error.rank_correlation == pytest.approx(1.0)
    assert prediction_error(np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])).rank_correlation == -1
