"""How long a deployed file takes, with what one must know to trust it."""

from dataclasses import dataclass

from automl.core.target import Target


@dataclass(frozen=True)
class Latency:
    """How long a file takes for one batch.

    Attributes:
        latency_ms: 25th percentile of the time of a call: CPU time on one thread of the processor, wall time on
            several or on a GPU.
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
