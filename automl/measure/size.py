"""Counts what is deployed: the bytes of what the runtime opens."""

from pathlib import Path


def size_bytes(path: Path) -> int:
    """Give the size of a file on disk."""
    return path.stat().st_size
