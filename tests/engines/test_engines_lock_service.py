"""The lock service gives a key to one worker at a time, and takes it from one that died."""

import os
import time

import pytest
import ray

from automl.engines import lock_service
from automl.engines.cluster import Cluster
from automl.engines.lock_service import ServiceLocks, start_lock_service
from automl.engines.ray_engine import _cache, ray_cluster
from automl.storage.key_locks import FileLocks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with ray_cluster(Cluster(workers=1)):
        yield


@pytest.fixture
def locks(monkeypatch):
    monkeypatch.setattr(lock_service, "_LEASE_S", 1.0)
    monkeypatch.setattr(lock_service, "_RENEWED_EVERY_S", 0.2)
    return ServiceLocks(start_lock_service())


def is_free(locks):
    with locks.held("key", wait=False) as is_mine:
        return is_mine


def test_a_cache_that_no_file_system_locks_is_locked_by_the_service(tmp_path):
    in_memory, local = (_cache(root, 1000) for root in (f"fsspec+memory://{tmp_path.name}", str(tmp_path)))
    assert isinstance(in_memory._folder.locks, ServiceLocks)
    assert isinstance(local._folder.locks, FileLocks)
    with in_memory.held("key") as is_mine:
        assert is_mine


def test_a_key_is_held_for_as_long_as_it_is_renewed(locks):
    with locks.held("key") as is_mine:
        time.sleep(1.5)
        assert (is_mine, is_free(locks)) == (True, False)
    assert is_free(locks)


def test_the_key_of_a_worker_that_died_is_free_again(locks):
    @ray.remote(max_retries=0)
    def hold_and_die():
        locks.held("key").__enter__()
        os._exit(1)

    with pytest.raises(ray.exceptions.WorkerCrashedError):
        ray.get(hold_and_die.remote())
    started = time.monotonic()
    with locks.held("key") as is_mine:
        assert is_mine
        assert time.monotonic() - started < 5


def test_locks_travel_to_workers_and_workers_wait_for_each_other(locks):
    @ray.remote
    def work():
        with locks.held("key"):
            return "done"

    with locks.held("key"):
        waiting = work.remote()
        ready, _ = ray.wait([waiting], timeout=1.0)
        assert not ready
    assert ray.get(waiting, timeout=30) == "done"
