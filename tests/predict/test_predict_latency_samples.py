import json

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
    for other in (Target(threads=2), Target(device="openvino")):
        assert LatencySamples(tmp_path, other).read() == []
    assert samples.read() == [FIRST, SECOND]


def test_sizes_are_kept_where_they_are_known(samples, tmp_path):
    sized = TimedNetwork({"run": 1.0}, 0.25, file_bytes=4000.0, deployed_bytes=50_000.0)
    samples.add("sizes", sized)
    assert LatencySamples(tmp_path, ONE_THREAD).read("sizes") == [sized]


def test_a_measurement_from_before_sizes_were_kept_counts(samples, tmp_path):
    file = tmp_path / "latency_samples.jsonl"
    entry = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    old = {name: value for name, value in entry.items() if not name.endswith("_bytes")}
    file.write_text(json.dumps(old) + "\n", encoding="utf-8")
    assert samples.read() == [FIRST]


def test_a_fresh_host_has_none(tmp_path):
    assert LatencySamples(tmp_path, ONE_THREAD).read() == []


def test_a_torn_line_is_passed_over(samples, tmp_path):
    with (tmp_path / "latency_samples.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"host": "torn\n')
    samples.add("digits", SECOND)
    assert samples.read() == [FIRST, SECOND, SECOND]


@pytest.mark.parametrize(
    "line",
    [
        "[1]",
        "7",
        '"x"',
        "null",
        "{}",
        '{"host": "HOST"}',
        '{"host": "HOST", "origin": "a", "work": [1], "latency_ms": 1}',
        '{"host": "HOST", "origin": "a", "work": {"conv": "x"}, "latency_ms": 1}',
        '{"host": "HOST", "origin": "a", "work": {}, "latency_ms": NaN}',
        "[" * 100_000,
        "\ufffd",
    ],
)
def test_a_line_that_is_no_measurement_is_left_out(tmp_path, line):
    samples = LatencySamples(tmp_path, Target())
    samples.add("a", TimedNetwork({"conv": 1.0}, 0.5))
    with (tmp_path / "latency_samples.jsonl").open("ab") as file:
        file.write(line.replace("HOST", samples._host).encode("utf-16" if line == "\ufffd" else "utf-8") + b"\n")
    assert [network.latency_ms for network in samples.read()] == [0.5]
