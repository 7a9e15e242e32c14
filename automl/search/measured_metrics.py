"""The metrics that every trial has, so that a wish for another one is refused before anything runs."""

from collections.abc import Iterable
from difflib import get_close_matches

from automl.core.objective import Constraint, Objective
from automl.errors import UsageError

MEASURED_METRICS = (
    "accuracy",
    "size_bytes",
    "download_bytes",
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "latency_wall_p50_ms",
    "latency_wall_p95_ms",
    "latency_reference_ratio",
    "latency_is_gated",
    "latency_threads",
    "latency_batch",
    "parity_gap",
    "parameters",
)
"""What a complete trial measures; the test split is read after the search, and guides nothing."""


def check_measured(wishes: Iterable[Objective | Constraint]) -> None:
    """Refuse a wish for a metric that no trial measures.

    Raises:
        UsageError: Naming the wish and the nearest metrics.
    """
    for wish in wishes:
        if wish.metric not in MEASURED_METRICS:
            nearest = get_close_matches(wish.metric, MEASURED_METRICS, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"choose from {', '.join(MEASURED_METRICS)}"
            raise UsageError(f"{type(wish).__name__.lower()} '{wish}' is on a metric that no trial measures; {hint}")
