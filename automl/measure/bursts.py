"""Collects timings in short bursts, and keeps those in which the machine was at its best."""

import time
from collections.abc import Callable
from typing import NamedTuple

from automl.measure.reference import Reference

_WARM_UP_RUNS = 5
_BURST_NS = 4_000_000
_READING_NS = 200_000  # many times what reading the clock takes
_KEPT_NS = 60_000_000
_LEAST_BURSTS = 8
_MOST_SECONDS = 6.0
_PAUSE_SECONDS = 0.02
_SLOW_BURSTS_A_PAUSE = 8


class Burst(NamedTuple):
    """Some 4 ms of runs.

    Attributes:
        reference_ns: The slower of the reference's times before and after.
        cpu_ns: CPU time a run, one entry a reading of the clock.
        wall_ns: Wall time a run, one entry a reading of the clock.
        total_ns: CPU time of all its runs.
    """

    reference_ns: int
    cpu_ns: list[float]
    wall_ns: list[float]
    total_ns: int


class Bursts(NamedTuple):
    """What was collected.

    Attributes:
        kept: Those that count.
        taken: All.
        is_gated: Whether those that count ran while the machine was at its best, and are enough; otherwise
            they are the ones in which it was least slow.
    """

    kept: list[Burst]
    taken: list[Burst]
    is_gated: bool


def collect_bursts(run: Callable[[], object], reference: Reference) -> Bursts:
    """Run until 60 ms in at least 8 bursts are kept, for 6 seconds at most."""
    end = time.monotonic() + _MOST_SECONDS
    for _ in range(_WARM_UP_RUNS):
        run()
    runs = max(1, _READING_NS // max(1, min(_read(run, 1)[0] for _ in range(3))))
    taken: list[Burst] = []
    while time.monotonic() < end:
        taken.append(_take(run, runs, reference))
        reference.note(taken[-1].reference_ns)
        kept = [burst for burst in taken if reference.is_fast(burst.reference_ns)]
        if len(kept) >= _LEAST_BURSTS and sum(burst.total_ns for burst in kept) >= _KEPT_NS:
            return Bursts(kept, taken, is_gated=True)
        if (len(taken) - len(kept)) % _SLOW_BURSTS_A_PAUSE == _SLOW_BURSTS_A_PAUSE - 1:
            time.sleep(_PAUSE_SECONDS)
    if sum(reference.is_fast(burst.reference_ns) for burst in taken) * 10 < len(taken):
        reference.relax()
    least_slow = sorted(taken, key=lambda burst: burst.reference_ns)
    return Bursts(least_slow[: max(_LEAST_BURSTS, len(taken) // 10)], taken, is_gated=False)


def _take(run: Callable[[], object], runs: int, reference: Reference) -> Burst:
    before_ns = reference.read_ns()
    run()
    cpu_ns: list[int] = []
    wall_ns: list[int] = []
    while sum(cpu_ns) < _BURST_NS:
        cpu, wall = _read(run, runs)
        cpu_ns.append(cpu)
        wall_ns.append(wall)
    return Burst(
        reference_ns=max(before_ns, reference.read_ns()),
        cpu_ns=[reading / runs for reading in cpu_ns],
        wall_ns=[reading / runs for reading in wall_ns],
        total_ns=sum(cpu_ns),
    )


def _read(run: Callable[[], object], runs: int) -> tuple[int, int]:
    wall_start, cpu_start = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(runs):
        run()
    cpu_end, wall_end = time.thread_time_ns(), time.perf_counter_ns()
    return cpu_end - cpu_start, wall_end - wall_start
