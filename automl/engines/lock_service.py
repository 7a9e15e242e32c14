"""Locks for a cache that no file system locks, such as a bucket: one Ray actor knows who holds what."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from automl.engines.lease_table import LeaseTable

_LEASE_S = 60.0  # a worker that says nothing for so long is dead
_RENEWED_EVERY_S = 10.0
_ASKED_EVERY_S = 0.2


def start_lock_service() -> Any:  # noqa: ANN401 # Ray has no type for the handle of an actor
    """Start the actor on the cluster; it ends with the last reference to it."""
    actor = ray.remote(LeaseTable).options(num_cpus=0, max_restarts=-1, max_task_retries=-1)
    return actor.remote(_LEASE_S)


class ServiceLocks:
    """Locks of the lock service.

    Args:
        service: What ``start_lock_service`` gave, in any process of the cluster.
    """

    def __init__(self, service: Any) -> None:  # noqa: ANN401 # Ray has no type for the handle of an actor
        self._service = service

    @contextmanager
    def held(self, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a key, and renew the lease until it is given back."""
        holder = uuid.uuid4().hex
        while not ray.get(self._service.acquire.remote(key, holder)):
            if not wait:
                yield False
                return
            time.sleep(_ASKED_EVERY_S)
        is_done = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(key, holder, is_done), daemon=True)
        renewal.start()
        try:
            yield True
        finally:
            is_done.set()
            renewal.join()
            ray.get(self._service.release.remote(key, holder))

    def _renew(self, key: str, holder: str, is_done: threading.Event) -> None:
        while not is_done.wait(_RENEWED_EVERY_S):
            ray.get(self._service.acquire.remote(key, holder))
