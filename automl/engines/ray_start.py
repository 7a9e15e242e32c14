"""Starts or joins a Ray cluster on machines as they are: busy, and with long names for temporary folders."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray

from automl.engines.cluster import LOCAL, Cluster
from automl.errors import SearchError, UsageError

_WAIT_VARIABLE = "RAY_gcs_server_port_wait_time_s"
_LEAST_WAIT_SECONDS = 60
_MOST_WAIT_SECONDS = 600
_LONGEST_SOCKET = 107  # bytes, of Linux
_SOCKET_IN_FOLDER = "/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 # a folder of a random name is made within
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def started_ray(cluster: Cluster, workers: int) -> Iterator[None]:
    """Start or join a cluster, and leave it at the end.

    Args:
        cluster: Where trials run.
        workers: Processors of a cluster that is started.

    Raises:
        UsageError: If there is no cluster at the address, no folder for the sockets of a new one, or this process is
            connected to a cluster already.
        SearchError: If this machine is too busy to start one.
    """
    if ray.is_initialized():  # as in a notebook; at the end of a search this connection would be closed
        raise UsageError(
            "this process is connected to a Ray cluster already, and a search makes a connection of its own; call "
            "ray.shutdown() first, and name that cluster with --address, or address= in Python"
        )
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if cluster.address != LOCAL:
        _join(cluster.address, options)
        try:
            yield
        finally:
            ray.shutdown()
        return
    with _socket_folder() as folder:
        options |= {"address": LOCAL, "num_cpus": workers, "include_dashboard": False, "_temp_dir": folder}
        _start(options)
        try:
            yield
        finally:
            ray.shutdown()


def wait_seconds(load: float, processors: int) -> int:
    """Say how long Ray may take to start: the longer, the more processes wait for a processor.

    >>> wait_seconds(1.0, 8), wait_seconds(32.0, 8), wait_seconds(1000.0, 8)
    (60, 240, 600)
    """
    return int(min(_LEAST_WAIT_SECONDS * max(1.0, load / processors), _MOST_WAIT_SECONDS))


def _join(address: str, options: dict[str, Any]) -> None:
    try:
        with _own_endings():
            ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"no Ray cluster answers at address {address!r}: {_first_line(error)}; "
            "start one with `ray start --head`, or leave --address out"
        ) from error


def _start(options: dict[str, Any]) -> None:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    given = os.environ.get(_WAIT_VARIABLE)
    allowed_seconds = int(given) if given and given.isdecimal() else wait_seconds(load, processors)
    os.environ[_WAIT_VARIABLE] = str(allowed_seconds)
    ends = time.monotonic() + allowed_seconds
    try:
        while True:
            try:
                with _own_endings():
                    ray.init(**options)
            except Exception as error:  # Ray raises bare exceptions; each becomes one line
                ray.shutdown()
                if time.monotonic() < ends and "timed out" in str(error):  # after 30 s that nobody can change
                    continue
                raise SearchError(
                    f"Ray did not start on this machine, whose {processors} processors have {load:.0f} processes to "
                    f"run, within {allowed_seconds} s: {_first_line(error)}; try again when it is less busy, give Ray "
                    f"longer with {_WAIT_VARIABLE}={2 * max(allowed_seconds, _LEAST_WAIT_SECONDS)}, or join a cluster "
                    "with --address"
                ) from error
            return
    finally:
        if given is None:
            del os.environ[_WAIT_VARIABLE]


@contextmanager
def _socket_folder() -> Iterator[str | None]:
    """Find a folder whose name leaves room for those of Ray's sockets; None where the usual one does."""
    usual = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 # as Ray itself does
    if len(os.fsencode(f"{usual}/ray{_SOCKET_IN_FOLDER}")) <= _LONGEST_SOCKET:
        yield None
        return
    for base in _SHORT_FOLDERS:
        with suppress(OSError):
            folder = tempfile.mkdtemp(prefix="automl-", dir=base)
            break
    else:
        raise UsageError(
            f"the folder for temporary files {usual} has a name of {len(usual)} characters, too long for the sockets "
            f"of Ray, and none of {', '.join(_SHORT_FOLDERS)} can be written; name a short one in RAY_TMPDIR"
        )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_endings() -> Iterator[None]:
    """Keep our ways to end: Ray puts its own in their place, which leave the study half finished or dump memory."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    ended: SystemExit | None = None
    try:
        yield
    except SystemExit as error:  # Ray's answer to SIGTERM
        ended = error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if ended is not None:
        ray.shutdown()
        signal.raise_signal(signal.SIGTERM)
        raise ended


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
