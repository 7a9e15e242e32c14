"""One search a study at a time: who searches holds the study, and says so in its folder.

On one host the system tells whether the holder lives, by a lock that ends with its process. Hosts that share a store
may see nothing of each other's locks, and a bucket has none: there the holder shows a sign of life every ten seconds,
and is taken for dead when it was silent for a minute.
"""

import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from automl.core.value import Value
from automl.errors import StoreError
from automl.storage.folder import TEMPORARY, Folder, explained
from automl.storage.system_lock import NoLocksError, lock_file

LEASE_FILE = "search.json"
_LOCK_FILE = "search.lock"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Pace:
    """How often a holder shows that it lives.

    Attributes:
        beat_seconds: Time between two signs of life.
        dead_after_seconds: How long a holder on another host may be silent.
        settle_seconds: Where nothing locks: how long one waits to see that no other took the study at that moment.
    """

    beat_seconds: float = 10.0
    dead_after_seconds: float = 60.0
    settle_seconds: float = 2.0


_PACE = Pace()


class Lease(Value):
    """Who holds a study, as ``search.json`` says it.

    Attributes:
        token: Differs between any two holds.
        host: Name of the machine.
        machine: Of the machine's kernel since it started; empty where it has no name.
        process: Of the process, in a form that no later one has; empty where the system does not say.
        pid: As the user of the machine sees it.
        since: When the hold began, UTC.
        alive_at: Seconds since 1970 of the last sign of life, by the holder's clock: for a store that keeps no times.
    """

    token: str
    host: str
    machine: str
    process: str
    pid: int
    since: str
    alive_at: float


@contextmanager
def held_study(folder: Folder, *, name: str, pace: Pace = _PACE) -> Iterator[str]:
    """Hold a study, which need not exist yet; a hold whose process is dead is taken over.

    Args:
        folder: Of the study.
        name: Of the study, for messages.
        pace: Of the signs of life.

    Yields:
        The token of this hold; ``lease_of`` gives another's where it was lost.

    Raises:
        StoreError: If another process holds the study, naming it, or the folder cannot be written.
    """
    is_new = not folder.exists()
    try:
        with _system_lock(folder, name) as is_locked:
            _refuse_living(folder, name, pace, is_locked=is_locked)
            token = _take(folder, name, pace, is_locked=is_locked)
            is_done = threading.Event()
            beat = threading.Thread(target=_beat, args=(folder, token, pace, is_done), daemon=True)
            beat.start()
            try:
                yield token
            finally:
                is_done.set()
                beat.join()
                with suppress(StoreError):  # the study is free without it, at the latest after a minute
                    _give_back(folder, token)
    finally:
        if is_new and not folder.files("") and folder.exists():
            folder.delete()


def lease_of(folder: Folder) -> Lease | None:
    """Read who holds a study, or held it when it died; None where nobody does, or nobody can tell."""
    data = folder.read(LEASE_FILE)
    try:
        return None if data is None else Lease.model_validate_json(data)
    except ValidationError:  # torn by hand: a lock or the next sign of life says more
        return None


@contextmanager
def _system_lock(folder: Folder, name: str) -> Iterator[bool]:
    """Hold the lock that ends with this process; where there is no such lock, hold nothing."""
    if folder.local_path is None:
        yield False
        return
    path = folder.local_path / TEMPORARY / _LOCK_FILE
    with explained("lock", str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        is_locked = True
        with explained("lock", str(path)):
            try:
                is_free = lock_file(file, wait=False)
            except NoLocksError:
                is_free, is_locked = True, False
        if not is_free:
            raise _held(name, lease_of(folder))
        yield is_locked


def _refuse_living(folder: Folder, name: str, pace: Pace, *, is_locked: bool) -> None:
    lease = lease_of(folder)
    if lease is None or (is_locked and lease.machine == _machine() != ""):
        return
    own = _process(os.getpid())
    if own and lease.process.partition(" ")[0] == own.partition(" ")[0]:  # this system knows who lives
        if lease.process == _process(lease.pid):
            raise _held(name, lease)
        return
    age_seconds = folder.age_seconds(LEASE_FILE)
    silent_seconds = time.time() - lease.alive_at if age_seconds is None else age_seconds
    if silent_seconds < pace.dead_after_seconds:
        sign = (
            f" (last sign of life {max(silent_seconds, 0):.0f} s ago; "
            f"if it is dead, the study is free {pace.dead_after_seconds:.0f} s after it)"
        )
        raise _held(name, lease, sign)


def _take(folder: Folder, name: str, pace: Pace, *, is_locked: bool) -> str:
    lease = Lease(
        token=uuid.uuid4().hex,
        host=platform.node(),
        machine=_machine(),
        process=_process(os.getpid()),
        pid=os.getpid(),
        since=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        alive_at=time.time(),
    )
    folder.replace(LEASE_FILE, lease.model_dump_json(indent=2).encode())
    if not is_locked:
        time.sleep(pace.settle_seconds)
        now = lease_of(folder)
        if now is not None and now.token != lease.token:
            raise _held(name, now)
    return lease.token


def _beat(folder: Folder, token: str, pace: Pace, is_done: threading.Event) -> None:
    while not is_done.wait(pace.beat_seconds):
        with suppress(StoreError):  # a store that cannot be reached now may be in ten seconds
            lease = lease_of(folder)
            if lease is None or lease.token != token:
                return
            now = lease.model_copy(update={"alive_at": time.time()})
            folder.replace(LEASE_FILE, now.model_dump_json(indent=2).encode())


def _give_back(folder: Folder, token: str) -> None:
    lease = lease_of(folder)
    if lease is not None and lease.token == token:
        folder.delete_file(LEASE_FILE, unless_changed_since=folder.files("")[LEASE_FILE])


def _held(name: str, lease: Lease | None, sign: str = "") -> StoreError:
    holder = "another process" if lease is None else f"process {lease.pid} on {lease.host} since {lease.since}"
    return StoreError(
        f"study {name!r} is being searched by {holder}{sign}; "
        "wait for it or end it, or begin another study with --study NEWNAME"
    )


def _machine() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _process(pid: int) -> str:
    """Name a process by its namespace, number and start, so that no later process has the same name."""
    try:
        start = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        return f"{_machine()}:{Path('/proc/self/ns/pid').readlink()} {pid} {start}"
    except (OSError, IndexError):
        return ""
