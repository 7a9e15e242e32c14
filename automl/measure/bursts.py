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
        run_ns: Time a run by the clock that counts, one entry a reading.
        wall_ns: Wall time a run, one entry a reading.
        total_ns: Time of all its runs by the clock that counts.
    """

    reference_ns: int
    run_ns: list[float]
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


Clock = Callable[[], int]
"""Nanoseconds since some moment: of the processor for this thread, or of the wall."""


def collect_bursts(run: Callable[[], object], reference: Reference, clock: Clock = time.thread_time_ns) -> Bursts:
    """Run until 60 ms in at least 8 bursts are kept, for 6 seconds at most.

    Args:
        run: Runs the file once.
        reference: Tells when the machine is at its best.
        clock: What counts as the time of a run.
    """
    end = time.monotonic() + _MOST_SECONDS
    for _ in range(_WARM_UP_RUNS):
        run()
    runs = max(1, _READING_NS // max(1, min(_read(run, 1, clock)[0] for _ in range(3))))
    taken: list[Burst] = []
    while time.monotonic() < end:
        taken.append(_take(run, runs, reference, clock))
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


def _take(run: Callable[[], object], runs: int, reference: Reference, clock: Clock) -> Burst:
    before_ns = reference.read_ns()
    run()
    counted_ns: list[int] = []
    wall_ns: list[int] = []
    while sum(counted_ns) < _BURST_NS:
        counted, wall = _read(run, runs, clock)
        counted_ns.append(counted)
        wall_ns.append(wall)
    return Burst(
        reference_ns=max(before_ns, reference.read_ns()),
        run_ns=[reading / runs for reading in counted_ns],
        wall_ns=[reading / runs for reading in wall_ns],
        total_ns=sum(counted_ns),
    )


def _read(run: Callable[[], object], runs: int, clock: Clock) -> tuple[int, int]:
    wall_start, start = time.perf_counter_ns(), clock()
    for _ in range(runs):
        run()
    end, wall_end = clock(), time.perf_counter_ns()
    return end - start, wall_end - wall_start
