import numpy as np
import pytest

from automl.predict.latency_model import TimedNetwork
from automl.predict.size_model import SizeModel


def converted(count: int) -> list[TimedNetwork]:
    """Networks of which each convolution is described in 9 kB, and each byte of the ONNX file becomes 1.5."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        work = {"run": 1.0, "conv": float(random.integers(1, 9)), "conv, macs": float(random.integers(1000, 90_000))}
        file_bytes = float(random.integers(2000, 90_000))
        deployed_bytes = 4000 + 9000 * work["conv"] + 1.5 * file_bytes
        made.append(TimedNetwork(work, 0.1, file_bytes, deployed_bytes))
    return made


def test_size_of_a_network_not_seen_is_predicted():
    model = SizeModel.fit(converted(40))
    for unseen in converted(60)[40:]:
        predicted = model.predict_bytes(unseen.work, unseen.file_bytes)
        assert predicted == pytest.approx(unseen.deployed_bytes, rel=0.03)


def test_work_that_was_never_converted_has_no_size():
    model = SizeModel.fit(converted(20))
    assert model.predict_bytes({"run": 1.0, "linear": 1.0}, 4000.0) is None
