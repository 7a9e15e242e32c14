"""Keeps what was measured to learn prices from, so that a host is timed once and not once a search."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from automl.core.target import Target
from automl.measure.host_lock import exclusive
from automl.measure.processor import processor_name
from automl.measure.runtime import runtime_name
from automl.predict.latency_model import TimedNetwork

_VERSION = 1  # raise it when the names or the meaning of the work change


class LatencySamples:
    """Measurements of this processor, this runtime and one target, in a file that all processes of the host share.

    Args:
        state_dir: Of the meter that measured.
        target: Runtime, threads and images a run.
    """

    def __init__(self, state_dir: Path, target: Target) -> None:
        self._file = state_dir / "latency_samples.jsonl"
        self._lock = state_dir / "latency_samples.lock"
        self._host = f"{_VERSION} {runtime_name(target)} {processor_name()} {target}"

    def add(self, origin: str, network: TimedNetwork) -> None:
        """Keep a measurement.

        Args:
            origin: Which networks it stands for, for example a space; see ``read``.
            network: What was measured.
        """
        entry = {"host": self._host, "origin": origin, **asdict(network)}
        with exclusive(self._lock), self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def read(self, origin: str | None = None) -> list[TimedNetwork]:
        """Give the measurements of one origin, or of all, in the order in which they were taken."""
        if not self._file.exists():
            return []
        with exclusive(self._lock):
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        entries = [entry for line in lines if (entry := _parse(line)) is not None and entry["host"] == self._host]
        return [
            TimedNetwork(entry["work"], entry["latency_ms"], entry.get("file_bytes"), entry.get("deployed_bytes"))
            for entry in entries
            if origin is None or entry["origin"] == origin
        ]


def _parse(line: str) -> dict[str, Any] | None:
    """Read one measurement; None for what is none: a full disk tears the last line, and it is measured again."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_whole = (
        isinstance(entry, dict)
        and {"host", "origin", "work", "latency_ms"} <= entry.keys()
        and isinstance(entry["work"], dict)
        and all(_is_amount(amount) for amount in (entry["latency_ms"], *entry["work"].values()))
        and all(entry.get(name) is None or _is_amount(entry[name]) for name in ("file_bytes", "deployed_bytes"))
        and entry["latency_ms"] > 0
    )
    return entry if is_whole else None


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
