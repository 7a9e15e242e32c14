"""How long a network takes."""

from collections.abc import Mapping

from automl.metric import Deployed, DeployedFile, Direction, Latency, Measurement, Metric, Sketch, Unit, When


class LatencyMs(Measurement):
    """Time of a call, with its interval, its ratio to a reference model, and wall times beside it.

    CPU time on one thread of the processor, wall time on several or on a GPU; the 25th percentile, of bursts in which
    the machine was at its best.
    """

    metric = Metric(
        "latency_ms",
        Unit.MILLISECONDS,
        gate="latency_is_gated",
        interval=("latency_low_ms", "latency_high_ms"),
        ordered_like="macs",
    )
    beside = (
        Metric("latency_low_ms", Unit.MILLISECONDS),
        Metric("latency_high_ms", Unit.MILLISECONDS),
        Metric("latency_wall_p50_ms", Unit.MILLISECONDS),
        Metric("latency_wall_p95_ms", Unit.MILLISECONDS),
        Metric("latency_reference_ratio", Unit.NUMBER),
        Metric("latency_is_gated", Unit.FLAG, Direction.MAX),
        Metric("latency_threads", Unit.COUNT, is_given=True),
        Metric("latency_batch", Unit.COUNT, is_given=True),
        Metric("latency_idle_ms", Unit.MILLISECONDS, when=When.END, gate="latency_idle_is_gated"),
        Metric("latency_idle_is_gated", Unit.FLAG, Direction.MAX, When.END),
    )
    is_always_measured = True

    def measure(self, deployed: Deployed) -> Mapping[str, float]:
        """Time the file."""
        return figures(deployed.timed())

    def measure_last(self, deployed: DeployedFile, earlier: Mapping[str, float]) -> Mapping[str, float]:
        """Time the file on the idle machine; a time that is sure takes the place of one that was not."""
        latency = deployed.timed()
        idle = {"latency_idle_ms": latency.latency_ms, "latency_idle_is_gated": float(latency.is_gated)}
        is_surer = latency.is_gated and not earlier.get("latency_is_gated", 1.0)
        return {**(figures(latency) if is_surer else {}), **idle}

    def foreseen(self, sketch: Sketch) -> float | None:
        """Give what this host's prices make of the network."""
        return sketch.latency_ms


def figures(latency: Latency) -> dict[str, float]:
    """Name the figures of a latency as a row of the trial store does."""
    return {
        "latency_ms": latency.latency_ms,
        "latency_low_ms": latency.low_ms,
        "latency_high_ms": latency.high_ms,
        "latency_wall_p50_ms": latency.wall_p50_ms,
        "latency_wall_p95_ms": latency.wall_p95_ms,
        "latency_reference_ratio": latency.reference_ratio,
        "latency_is_gated": float(latency.is_gated),
        "latency_threads": float(latency.target.threads),
        "latency_batch": float(latency.target.batch),
    }
