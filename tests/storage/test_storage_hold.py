"""One search a study at a time, on any host; a dead one holds nothing."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext

import pytest
from storage_study import study_spec, study_trial

from automl.errors import StoreError
from automl.storage.folder import Folder
from automl.storage.hold import Pace, held_study, lease_of
from automl.storage.store import TrialStore

QUICK = Pace(beat_seconds=0.05, dead_after_seconds=60.0, settle_seconds=0.1)

_HOLDER = """
import sys
from automl.storage.folder import Folder
from automl.storage.hold import held_study
with held_study(Folder.at(sys.argv[1]), name="digits"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path) -> Folder:
    """Of a study on a local file system."""
    TrialStore.create(str(tmp_path), study_spec())
    return Folder.at(str(tmp_path / "digits"))


@pytest.fixture
def bucket(tmp_path) -> Folder:
    """Of a study where nothing locks."""
    root = f"fsspec+memory://{tmp_path.name}"
    TrialStore.create(root, study_spec())
    return Folder.at(root).child("digits")


@pytest.fixture
def holder(folder):
    command = [sys.executable, "-c", _HOLDER, folder.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def contents(folder):
    return {path: path.read_bytes() for path in folder.local_path.rglob("*") if path.is_file()}


def write_lease(folder, **changes):
    with held_study(folder, name="digits", pace=QUICK):
        lease = json.loads(folder.read("search.json"))
    folder.replace("search.json", json.dumps(lease | changes).encode())


def silence(folder, seconds):
    """Make the last sign of life so old."""
    path = folder.local_path / "search.json"
    then = time.time() - seconds
    os.utime(path, (then, then))


def take(folder, pace=QUICK):
    with held_study(folder, name="digits", pace=pace) as token:
        return token


def test_a_second_search_is_refused_with_who_holds_the_study_and_writes_nothing(folder, holder):
    before = contents(folder)
    since = json.loads(before[folder.local_path / "search.json"])["since"]
    message = f"'digits' is being searched by process {holder.pid} on {os.uname().nodename} since {since}; .*--study"
    with pytest.raises(StoreError, match=message):
        take(folder)
    assert contents(folder) == before


def test_a_killed_search_is_followed_at_once(folder, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lease_of(folder).pid == holder.pid
    started = time.monotonic()
    take(folder)
    assert time.monotonic() - started < 1


def test_a_study_is_free_after_its_search_and_nothing_of_the_hold_is_left(folder):
    before = contents(folder)
    assert take(folder) != take(folder)
    assert {path for path in contents(folder) if path.name != "search.lock"} == set(before)


def test_a_search_on_another_host_is_respected_while_it_shows_signs_of_life(folder):
    write_lease(folder, machine="another", process="", host="beta", pid=7)
    silence(folder, 55)
    with pytest.raises(StoreError, match=r"process 7 on beta since .*last sign of life 5\d s ago.*free 60 s after"):
        take(folder)
    silence(folder, 65)
    take(folder)


def test_the_clock_of_the_store_counts_and_not_that_of_the_host(folder, monkeypatch):
    write_lease(folder, machine="another", process="", host="beta", pid=7)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    with pytest.raises(StoreError, match="process 7 on beta"):
        take(folder)


def test_where_nothing_locks_a_living_process_is_respected(bucket):
    with held_study(bucket, name="digits", pace=QUICK), pytest.raises(StoreError, match=f"process {os.getpid()} on"):
        take(bucket)
    take(bucket)


def test_where_nothing_locks_a_dead_process_of_this_host_is_followed_at_once(bucket):
    with held_study(bucket, name="digits", pace=QUICK):
        own = lease_of(bucket)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    namespace, _, start = own.process.split()
    dead = own.model_copy(update={"pid": process.pid, "process": f"{namespace} {process.pid} {start}"})
    reused = own.model_copy(update={"process": f"{namespace} {own.pid} {int(start) - 1}"})
    for lease in (dead, reused):
        bucket.replace("search.json", lease.model_dump_json().encode())
        take(bucket)
    bucket.replace("search.json", own.model_dump_json().encode())
    with pytest.raises(StoreError, match="is being searched"):
        take(bucket)


def test_where_a_store_keeps_no_times_the_clock_of_the_holder_counts(bucket):
    with held_study(bucket, name="digits", pace=QUICK):
        own = lease_of(bucket)
    for age, is_free in ((55, False), (65, True)):
        foreign = own.model_copy(update={"machine": "another", "process": "", "alive_at": time.time() - age})
        bucket.replace("search.json", foreign.model_dump_json().encode())
        with nullcontext() if is_free else pytest.raises(StoreError, match="last sign of life"):
            take(bucket)


def test_where_nothing_locks_the_last_of_two_that_come_at_once_gets_the_study(bucket, monkeypatch):
    def another_comes(_):
        bucket.replace("search.json", json.dumps({**json.loads(bucket.read("search.json")), "token": "other"}).encode())

    monkeypatch.setattr(time, "sleep", another_comes)
    with pytest.raises(StoreError, match="is being searched"):
        take(bucket)
    assert lease_of(bucket) is not None


def test_a_holder_shows_signs_of_life(folder):
    with held_study(folder, name="digits", pace=QUICK):
        silence(folder, 1000)
        ends = time.monotonic() + 5
        while folder.age_seconds("search.json") > 500:
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert threading.active_count() > 1
    assert lease_of(folder) is None


def test_who_lost_the_study_leaves_it_to_the_other_and_writes_no_row(folder, tmp_path):
    with held_study(folder, name="digits", pace=QUICK) as token:
        store = TrialStore.open(str(tmp_path), "digits").under(token)
        store.write(study_trial(0))
        folder.replace("search.json", json.dumps({**json.loads(folder.read("search.json")), "token": "other"}).encode())
        time.sleep(0.2)
        with pytest.raises(StoreError, match="'digits' was taken over by process"):
            store.write(study_trial(1))
    assert lease_of(folder) is not None
    assert [trial.number for trial in TrialStore.open(str(tmp_path), "digits").read()] == [0]


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'"x"', b'{"token": 1}', b"{" * 9000])
def test_a_torn_sign_of_life_holds_nothing(folder, content):
    folder.replace("search.json", content)
    take(folder)


def test_a_folder_of_which_no_study_came_is_gone(tmp_path):
    take(Folder.at(str(tmp_path / "digits")))
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot lock .*file/digits/.*Not a directory"):
        take(Folder.at(str(tmp_path / "file" / "digits")))


def test_a_file_system_without_locks_relies_on_signs_of_life(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    write_lease(folder, machine="another", process="", host="beta", pid=7)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match="process 7 on beta"):
        take(folder)
    silence(folder, 65)
    take(folder)
