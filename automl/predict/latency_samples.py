"""Keeps what was measured to learn prices from, so that a host is timed once and not once a search."""

import json
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
            lines = self._file.read_text(encoding="utf-8").splitlines()
        entries = [entry for line in lines if (entry := _parse(line))["host"] == self._host]
        return [
            TimedNetwork(entry["work"], entry["latency_ms"], entry.get("file_bytes"), entry.get("deployed_bytes"))
            for entry in entries
            if origin is None or entry["origin"] == origin
        ]


def _parse(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:  # a full disk tears the last line; what it said is measured again
        return {"host": None}
    return entry
