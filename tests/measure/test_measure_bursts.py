"""Bursts count only while the machine is at its best, and a measurement says whether it was; time is simulated."""

import time
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from automl.core.target import Target
from automl.measure import bursts, timing
from automl.measure.bursts import Burst, Bursts, collect_bursts
from automl.measure.timing import time_file
from automl_plugins.metrics.latency_ms import figures

RUN_NS = 100_000
WALL_NS = 130_000
BEST_NS, SLOW_NS = 1000, 2000


class Machine:
    """A processor and a wall clock that go on only where something runs, and a reference with given readings."""

    def __init__(self, readings_ns):
        self.processor_ns = self.wall_ns = 0
        self.relaxed = 0
        self._readings_ns = iter(readings_ns)

    def run(self):
        self.processor_ns += RUN_NS
        self.wall_ns += WALL_NS

    def read_ns(self):
        return next(self._readings_ns)

    def is_fast(self, reading_ns):
        return reading_ns <= BEST_NS

    def note(self, reading_ns):
        pass

    def relax(self):
        self.relaxed += 1


@pytest.fixture
def collect(monkeypatch):
    def collect(readings_ns):
        machine = Machine(readings_ns)
        monkeypatch.setattr(bursts.time, "perf_counter_ns", lambda: machine.wall_ns)
        monkeypatch.setattr(bursts.time, "monotonic", lambda: machine.wall_ns / 1e9)
        monkeypatch.setattr(bursts.time, "sleep", lambda _seconds: None)
        return collect_bursts(machine.run, machine, clock=lambda: machine.processor_ns), machine

    return collect


def test_a_machine_at_its_best_gives_figures_that_are_sure(collect):
    found, machine = collect(cycle([BEST_NS]))
    assert found.is_gated
    assert found.kept == found.taken
    assert sum(burst.total_ns for burst in found.kept) >= 60_000_000
    assert machine.relaxed == 0
    for burst in found.kept:
        assert set(burst.run_ns) == {RUN_NS}
        assert set(burst.wall_ns) == {WALL_NS}


def test_a_machine_that_is_never_at_its_best_gives_figures_that_are_not(collect):
    found, machine = collect(cycle([SLOW_NS]))
    assert not found.is_gated
    assert found.kept
    assert machine.relaxed == 1, "a best time that is never reached again must not stay"


@pytest.mark.parametrize("readings", [(BEST_NS, SLOW_NS), (SLOW_NS, BEST_NS)], ids=["slow after", "slow before"])
def test_a_burst_is_as_slow_as_the_slower_of_the_readings_around_it(collect, readings):
    found, _ = collect(cycle(readings))
    assert {burst.reference_ns for burst in found.taken} == {SLOW_NS}
    assert not found.is_gated


def test_bursts_of_slow_phases_do_not_count(collect):
    found, _ = collect(cycle([BEST_NS, BEST_NS, SLOW_NS, SLOW_NS]))
    assert found.is_gated
    assert {burst.reference_ns for burst in found.kept} == {BEST_NS}
    assert len(found.taken) >= 2 * len(found.kept) - 1


def test_of_a_slow_machine_the_least_slow_bursts_count(collect):
    found, _ = collect(cycle([3000, 3000, 2500, 2500, 4000, 4000]))
    assert not found.is_gated
    assert {burst.reference_ns for burst in found.kept} == {2500}


@pytest.fixture
def timed(monkeypatch, tmp_path):
    """Time a file of which only the bursts are made up, and say which clock they were asked to count by."""

    class Reference:
        state_dir = tmp_path

        def prepare(self):
            pass

        save = prepare

    def timed(found, target=Target()):  # noqa: B008 # frozen
        clocks = []

        def collected(_run, _reference, clock):
            clocks.append(clock)
            return found

        monkeypatch.setattr(timing, "open_network", lambda _path, _target: lambda images: images)
        monkeypatch.setattr(timing, "collect_bursts", collected)
        latency = time_file(tmp_path / "any", np.zeros((1, 1, 8, 8), np.uint8), target, reference=Reference())
        return latency, clocks[0]

    return timed


def bursts_of(run_ms, wall_ms, *, is_gated):
    burst = Burst(1000, [ms * 1e6 for ms in run_ms], [ms * 1e6 for ms in wall_ms], 4_000_000)
    return Bursts([burst] * 8, [burst] * 8, is_gated=is_gated)


@pytest.mark.parametrize("is_gated", [True, False])
def test_a_latency_is_as_sure_as_its_bursts(timed, is_gated):
    latency, _ = timed(bursts_of([1.0], [1.0], is_gated=is_gated))
    assert latency.is_gated is is_gated
    assert figures(latency)["latency_is_gated"] == float(is_gated)
    assert figures(replace(latency, is_gated=not is_gated))["latency_is_gated"] != float(is_gated)


def test_each_figure_is_its_own_percentile(timed):
    latency, _ = timed(bursts_of(range(1, 102), range(1001, 1102), is_gated=True))
    assert latency.latency_ms == pytest.approx(26.0)
    assert latency.wall_p50_ms == pytest.approx(1051.0)
    assert latency.wall_p95_ms == pytest.approx(1096.0)
    assert latency.reference_ratio == pytest.approx(26_000.0)


@pytest.mark.parametrize(
    ("target", "clock"),
    [
        (Target(), time.thread_time_ns),
        (Target(batch=8), time.thread_time_ns),
        (Target(device="openvino"), time.thread_time_ns),
        (Target(threads=2), time.perf_counter_ns),
        (Target(device="openvino", threads=2), time.perf_counter_ns),
        (Target(device="litert"), time.thread_time_ns),
        (Target(device="cuda"), time.perf_counter_ns),
    ],
    ids=str,
)
def test_what_runs_on_other_threads_is_timed_by_the_wall(timed, target, clock):
    assert timed(bursts_of([1.0], [1.0], is_gated=True), target)[1] is clock
