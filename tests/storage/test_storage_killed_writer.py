"""A writer that is killed at any moment leaves a store that every reader still reads."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import duckdb
import pytest
from storage_study import study_spec, study_trial

from automl.storage.store import TrialStore

_WRITER = """
import sys
from dataclasses import replace
from itertools import count
from automl.storage.store import TrialStore
store = TrialStore.open(sys.argv[1], "digits")
compacts = sys.argv[2] == "compacting"
trial = store.read()[0]
print("ready", flush=True)
for step in count():
    store.write(replace(trial, number=step % 40, seed=step))
    if compacts and step % 7 == 6:
        store.compact()
"""


@pytest.fixture
def spec():
    return study_spec()


@pytest.fixture
def make_trial():
    return study_trial


@contextmanager
def writer(root, mode):
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(root), mode], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.poll() is None, "the writer itself failed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("mode", ["writing", "compacting"])
def test_readers_see_no_error_and_lose_no_trial_around_a_kill(tmp_path, spec, make_trial, mode):
    store = TrialStore.create(str(tmp_path), spec)
    store.write(make_trial(0))
    seen: set[int] = set()
    for pause in (0.05, 0.13, 0.29, 0.31, 0.4):
        with writer(tmp_path, mode):
            end = time.monotonic() + pause
            while time.monotonic() < end:
                seen = _numbers_that_include(seen, store)
        seen = _numbers_that_include(seen, store)
        rows = duckdb.read_parquet(f"{tmp_path}/digits/**/*.parquet", union_by_name=True)
        assert {number for (number,) in rows.select("number").fetchall()} == seen
    assert len(seen) > 1, "no writer lived long enough to write"


def _numbers_that_include(earlier, store):
    numbers = [trial.number for trial in store.read()]
    assert len(numbers) == len(set(numbers))
    assert earlier <= set(numbers)
    return set(numbers)
