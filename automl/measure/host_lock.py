"""One measurement at a time on a host, whatever the number of processes, and on one processor."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from automl.storage.system_lock import lock_file


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock that all processes of this host respect; the system frees it when its holder dies.

    Args:
        path: Made if missing, and never removed; on a local file system.
    """
    with path.open("a") as file:
        lock_file(file)
        yield


@contextmanager
def pinned() -> Iterator[None]:
    """Keep the calling thread on one processor, where the system allows."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    if not allowed:
        yield
        return
    try:
        os.sched_setaffinity(0, {max(allowed)})
    except OSError:  # a container may forbid it; times are then a little noisier, and still gated
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
