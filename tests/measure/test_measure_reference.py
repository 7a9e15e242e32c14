"""What a host knows of itself survives garbage in its files, and the figures are called what they are."""

import json
import time

import numpy as np
import pytest

from automl.core.target import Target
from automl.errors import UsageError
from automl.measure import bursts, timing
from automl.measure.bursts import Burst, Bursts, collect_bursts
from automl.measure.latency import LatencyMeter
from automl.measure.reference import Reference
from automl_plugins.metrics.latency_ms import figures

GARBAGE = [b"", b"[1]", b'"x"', b"7", b"null", b"\xff\xfe", b"{", b"[" * 100_000, b'{"0 onnxruntime 1": 5}']


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_in_the_file_of_the_reference_is_replaced(tmp_path, content):
    (tmp_path / "reference.json").write_bytes(content)
    reference = Reference(tmp_path)
    reference.prepare()
    reference.save()
    assert Reference(tmp_path).is_fast(1)
    assert isinstance(json.loads((tmp_path / "reference.json").read_text()), dict)


@pytest.mark.parametrize("best", [None, "fast", True, -1, 0, [1], {}, "NaN", float("nan"), float("inf")])
def test_a_best_time_that_is_none_is_measured_again(tmp_path, best):
    key = Reference(tmp_path)._key
    (tmp_path / "reference.json").write_text(json.dumps({key: best, "another host": 5.0}))
    reference = Reference(tmp_path)
    assert not reference.is_fast(1)
    reference.prepare()
    reference.save()
    known = json.loads((tmp_path / "reference.json").read_text())
    assert known[key] > 1000
    assert known["another host"] == 5.0


def test_a_state_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot keep what is known of this host in .*file: File exists; .*TMPDIR"):
        LatencyMeter(state_dir=tmp_path / "file")


class FixedReference:
    """A reference model whose readings are given."""

    def __init__(self, readings, *, best_ns=100):
        self._readings = iter(readings)
        self._best_ns = best_ns

    def read_ns(self):
        return next(self._readings)

    def note(self, reading_ns):
        pass

    def relax(self):
        pass

    def is_fast(self, reading_ns):
        return reading_ns <= self._best_ns * 1.06


def repeat(*readings):
    while True:
        yield from readings


def work():
    end = time.thread_time_ns() + 200_000
    while time.thread_time_ns() < end:
        pass


@pytest.mark.parametrize("readings", [(100, 150), (150, 100)])
def test_a_burst_is_as_slow_as_the_slower_of_the_readings_around_it(readings):
    burst = bursts._take(work, 1, FixedReference(readings), time.thread_time_ns)
    assert burst.reference_ns == 150


@pytest.mark.parametrize(("readings", "is_gated"), [((100, 100), True), ((100, 150), False), ((200, 200), False)])
def test_figures_are_gated_only_where_the_machine_was_at_its_best(readings, is_gated, monkeypatch):
    monkeypatch.setattr(bursts, "_MOST_SECONDS", 1.0)
    assert collect_bursts(work, FixedReference(repeat(*readings))).is_gated is is_gated


class KnownTimes:
    """Stands for the machine: the network and its reference take the times that are given."""

    def __init__(self, tmp_path, monkeypatch, *, is_gated=True):
        self.clocks = []
        kept = [Burst(100, [1e6] * 4, [2e6] * 4, 4_000_000)] * 8
        other = Burst(300, [5e6], [float(wall) for wall in range(10**6, 101 * 10**6, 10**6)], 5_000_000)

        def collect(_run, _reference, clock):
            self.clocks.append(clock)
            return Bursts(kept, [other], is_gated=is_gated)

        monkeypatch.setattr(timing, "open_network", lambda _path, _target: lambda images: images)
        monkeypatch.setattr(timing, "collect_bursts", collect)
        self._reference = Reference(tmp_path)

    def measure(self, target):
        return timing.time_file("model.onnx", np.zeros((1, 1, 8, 8), np.uint8), target, reference=self._reference)


@pytest.mark.parametrize("is_gated", [True, False])
def test_the_row_says_whether_the_figures_are_gated(tmp_path, monkeypatch, is_gated):
    latency = KnownTimes(tmp_path, monkeypatch, is_gated=is_gated).measure(Target())
    assert latency.is_gated is is_gated
    assert figures(latency)["latency_is_gated"] == float(is_gated)


def test_the_percentiles_are_what_their_names_say(tmp_path, monkeypatch):
    latency = KnownTimes(tmp_path, monkeypatch).measure(Target())
    walls = np.arange(1, 101)
    assert latency.wall_p50_ms == pytest.approx(np.quantile(walls, 0.5))
    assert latency.wall_p95_ms == pytest.approx(np.quantile(walls, 0.95))
    assert figures(latency)["latency_wall_p95_ms"] == latency.wall_p95_ms
    assert figures(latency)["latency_wall_p50_ms"] == latency.wall_p50_ms


@pytest.mark.parametrize(
    ("target", "clock"),
    [
        (Target(), time.thread_time_ns),
        (Target(batch=8), time.thread_time_ns),
        (Target(threads=2), time.perf_counter_ns),
        (Target(device="openvino"), time.thread_time_ns),
        (Target(device="openvino", threads=4), time.perf_counter_ns),
        (Target(device="cuda"), time.perf_counter_ns),
    ],
)
def test_several_threads_and_a_gpu_are_timed_by_the_wall(tmp_path, monkeypatch, target, clock):
    known = KnownTimes(tmp_path, monkeypatch)
    known.measure(target)
    assert known.clocks == [clock]
