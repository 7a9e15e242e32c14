"""Times a deployed file so that a busy machine gives the same answer as a quiet one."""

import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.latency import Latency
from automl.core.target import Target
from automl.measure.bursts import Burst, collect_bursts
from automl.measure.host_lock import exclusive, pinned
from automl.measure.reference import Reference
from automl.measure.runtime import open_network
from automl.measure.targets import runtime_of

_PERCENTILE = 25
_RESAMPLES = 400

LOCK_FILE = "measuring.lock"
"""Beside what is known of a host's best time: whoever holds it measures, and nobody else does."""


def time_file(
    path: Path, images: NDArray[np.uint8], target: Target, *, reference: Reference, is_alone: bool = False
) -> Latency:
    """Measure one file in this process, which should do nothing else in its life.

    Args:
        path: What the target's runtime is given: a network from uint8 images to logits.
        images: At least one, shape (N, C, H, W); repeated, or cut, to the batch of the target.
        target: Runtime, threads and images a run.
        reference: Tells when the machine is at its best; the host's lock lies beside what it knows.
        is_alone: Whether the caller holds that lock.

    Raises:
        UsageError: If this host cannot run the target.
        ConversionError: If the runtime cannot run the network.
    """
    runtime, network = runtime_of(target), open_network(path, target)
    run = partial(network, runtime.pixels(np.resize(images, (target.batch, *images.shape[1:]))))
    is_on_caller = target.threads == 1 and runtime.works_on_caller
    clock, placed = (time.thread_time_ns, pinned()) if is_on_caller else (time.perf_counter_ns, nullcontext())
    asked = time.monotonic()
    with nullcontext() if is_alone else exclusive(reference.state_dir / LOCK_FILE), placed:
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
