"""Times a deployed file so that a busy machine gives the same answer as a quiet one."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.measure.bursts import Burst, collect_bursts
from automl.measure.host_lock import exclusive, pinned
from automl.measure.reference import Reference
from automl.measure.runtime import open_network
from automl.measure.targets import runtime_of

_PERCENTILE = 25
_RESAMPLES = 400


@dataclass(frozen=True)
class Latency:
    """How long a file takes for one batch.

    Attributes:
        latency_ms: 25th percentile of the time of a call: CPU time where one thread of the processor does all the
            work, else wall time.
        low_ms: Lower end of the 95 % interval of ``latency_ms``, by resampling whole bursts.
        high_ms: Upper end of that interval.
        reference_ratio: ``latency_ms`` over the time of the reference model in the same bursts.
        wall_p50_ms: Median wall time, of all bursts.
        wall_p95_ms: 95th percentile of wall time, of all bursts.
        is_gated: Whether enough bursts ran while the machine was at its best; otherwise the figures are
            those of the best-looking bursts.
        target: Runtime, threads and images a run.
        measure_seconds: Wall time that the measurement took.
        waited_seconds: Wall time spent before it, waiting for other measurements on this host.
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    reference_ratio: float
    wall_p50_ms: float
    wall_p95_ms: float
    is_gated: bool
    target: Target
    measure_seconds: float
    waited_seconds: float

    def metrics(self) -> dict[str, float]:
        """Name the figures as a row of the trial store does."""
        return {
            "latency_ms": self.latency_ms,
            "latency_low_ms": self.low_ms,
            "latency_high_ms": self.high_ms,
            "latency_wall_p50_ms": self.wall_p50_ms,
            "latency_wall_p95_ms": self.wall_p95_ms,
            "latency_reference_ratio": self.reference_ratio,
            "latency_is_gated": float(self.is_gated),
            "latency_threads": float(self.target.threads),
            "latency_batch": float(self.target.batch),
        }


def time_file(path: Path, images: NDArray[np.uint8], target: Target, *, reference: Reference) -> Latency:
    """Measure one file in this process, which should do nothing else in its life.

    Args:
        path: What the target's runtime is given: a network from uint8 images to logits.
        images: At least one, shape (N, C, H, W); repeated, or cut, to the batch of the target.
        target: Runtime, threads and images a run.
        reference: Tells when the machine is at its best; the host's lock lies beside what it knows.

    Raises:
        UsageError: If this host cannot run the target.
        ConversionError: If the runtime cannot run the network.
    """
    runtime, network = runtime_of(target), open_network(path, target)
    run = partial(network, runtime.pixels(np.resize(images, (target.batch, *images.shape[1:]))))
    is_on_caller = target.threads == 1 and runtime.works_on_caller
    clock, placed = (time.thread_time_ns, pinned()) if is_on_caller else (time.perf_counter_ns, nullcontext())
    asked = time.monotonic()
    with exclusive(reference.state_dir / "measuring.lock"), placed:
        started = time.monotonic()
        reference.prepare()
        bursts = collect_bursts(run, reference, clock)
        reference.save()
        ended = time.monotonic()
    latency_ms = _run_ms(bursts.kept)
    low_ms, high_ms = _interval_ms(bursts.kept)
    wall_ns = [reading for burst in bursts.taken for reading in burst.wall_ns]
    reference_ns = float(np.median([burst.reference_ns for burst in bursts.kept]))
    return Latency(
        latency_ms=latency_ms,
        low_ms=low_ms,
        high_ms=high_ms,
        reference_ratio=latency_ms * 1e6 / reference_ns,
        wall_p50_ms=float(np.percentile(wall_ns, 50)) / 1e6,
        wall_p95_ms=float(np.percentile(wall_ns, 95)) / 1e6,
        is_gated=bursts.is_gated,
        target=target,
        measure_seconds=ended - started,
        waited_seconds=started - asked,
    )


def _run_ms(bursts: list[Burst]) -> float:
    return float(np.percentile([reading for burst in bursts for reading in burst.run_ns], _PERCENTILE)) / 1e6


def _interval_ms(bursts: list[Burst]) -> tuple[float, float]:
    """Resample whole bursts: readings within one are alike, and would feign certainty."""
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(bursts), (_RESAMPLES, len(bursts)))
    low, high = np.percentile([_run_ms([bursts[index] for index in draw]) for draw in drawn], [2.5, 97.5])
    return float(low), float(high)
