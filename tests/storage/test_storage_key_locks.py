"""One holder of a key at a time, across processes, whatever becomes of the holder."""

import signal
import subprocess
import sys
import threading

import pytest

from automl.errors import StoreError
from automl.storage.key_locks import FileLocks

_HOLDER = """
import sys, time
from pathlib import Path
from automl.storage.key_locks import FileLocks
with FileLocks(Path(sys.argv[1])).held("key"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def locks(tmp_path):
    return FileLocks(tmp_path / "locks")


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def is_free(locks, key="key"):
    with locks.held(key, wait=False) as is_mine:
        return is_mine


def test_what_another_process_holds_is_not_free(holder, locks):
    assert not is_free(locks)
    assert is_free(locks, "another")
    holder.communicate(b"\n")
    assert is_free(locks)


def test_a_killed_holder_holds_nothing(holder, locks):
    threading.Timer(0.1, holder.send_signal, [signal.SIGKILL]).start()
    with locks.held("key") as is_mine:
        assert is_mine
        assert holder.wait(timeout=5) == -signal.SIGKILL


def test_one_of_many_threads_holds_a_key_at_a_time_and_no_lock_file_is_left(locks, tmp_path):
    inside, most = [], []

    def work():
        for _ in range(20):
            with locks.held("key"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 160
    assert max(most) == 1
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"cannot lock .*file/locks/key.lock"):
        is_free(FileLocks(tmp_path / "file" / "locks"))
