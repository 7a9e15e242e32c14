import pytest

from automl.core.target import ONE_THREAD, Target
from automl.predict.latency_model import TimedNetwork
from automl.predict.latency_samples import LatencySamples

FIRST = TimedNetwork({"run": 1.0, "float linear": 2.0}, 0.5)
SECOND = TimedNetwork({"run": 1.0}, 0.25)


@pytest.fixture
def samples(tmp_path) -> LatencySamples:
    samples = LatencySamples(tmp_path, ONE_THREAD)
    samples.add("digits", FIRST)
    samples.add("residual", SECOND)
    return samples


def test_measurements_are_kept_for_the_next_process(samples, tmp_path):
    again = LatencySamples(tmp_path, ONE_THREAD)
    assert again.read() == samples.read() == [FIRST, SECOND]
    assert again.read("residual") == [SECOND]


def test_another_target_has_measurements_of_its_own(samples, tmp_path):
    assert LatencySamples(tmp_path, Target(threads=2)).read() == []
    assert samples.read() == [FIRST, SECOND]


def test_a_fresh_host_has_none(tmp_path):
    assert LatencySamples(tmp_path, ONE_THREAD).read() == []


def test_a_torn_line_is_passed_over(samples, tmp_path):
    with (tmp_path / "latency_samples.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"host": "torn\n')
    samples.add("digits", SECOND)
    assert samples.read() == [FIRST, SECOND, SECOND]
