"""What a store promises beyond its values: order on the disk, one folder at a time, nothing fresh deleted."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from storage_study import study_spec, study_trial

from automl.core.target import Target
from automl.errors import StoreError
from automl.storage.folder import Folder
from automl.storage.store import TrialStore


@pytest.fixture
def store(tmp_path):
    return TrialStore.create(str(tmp_path), study_spec())


def test_a_file_is_on_the_disk_before_its_name_and_the_name_before_the_writer_goes_on(tmp_path, monkeypatch):
    events = []
    sync = os.fsync

    def note(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        events.append(("folder" if path.is_dir() else "file", (tmp_path / "name").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    Folder.at(str(tmp_path)).replace("name", b"content")
    assert events == [("file", False), ("folder", True)]


@pytest.mark.parametrize("act", [lambda store: store.compact(), lambda store: store.write(study_trial(0))])
def test_whoever_changes_the_rows_waits_for_the_other(store, act):
    done = threading.Event()
    thread = threading.Thread(target=lambda: (act(store), done.set()))
    with store._folder.locked("compact") as is_locked:
        assert is_locked
        thread.start()
        assert not done.wait(0.3)
    assert done.wait(5)
    thread.join()


def test_a_row_that_is_replaced_while_rows_are_folded_is_kept(tmp_path, monkeypatch):
    store = TrialStore.create(f"fsspec+memory://{tmp_path.name}", study_spec())
    store.write(study_trial(0))
    replace = Folder.replace

    def and_meanwhile(folder, name, data):
        replace(folder, name, data)
        if name == "trials.parquet":
            monkeypatch.undo()
            store.write(study_trial(0, host="a-host-of-a-longer-name"))

    monkeypatch.setattr(Folder, "replace", and_meanwhile)
    store.compact()
    assert [trial.host for trial in store.read()] == ["a-host-of-a-longer-name"]


def test_only_what_was_left_over_an_hour_ago_is_swept(store, tmp_path):
    temporary = tmp_path / "digits" / ".tmp"
    for name, minutes in (("fresh", 0), ("growing", 50), ("abandoned", 70)):
        (temporary / name).write_bytes(b"x")
        then = time.time() - 60 * minutes
        os.utime(temporary / name, (then, then))
    store.write(study_trial(0))
    store.compact()
    assert {path.name for path in temporary.iterdir() if path.suffix != ".lock"} == {"fresh", "growing"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": Target(threads=2)}, r"target: stored cpu:1, now cpu:2"),
        ({"target": Target(batch=8)}, r"target: stored cpu:1, now cpu:1:8"),
        ({"target": Target(device="openvino")}, r"target: stored cpu:1, now openvino:1"),
        ({"dataset": "mnist"}, r"dataset: stored digits, now mnist"),
        ({"dataset_fingerprint": "cd" * 32}, r"dataset fingerprint"),
        ({"objectives": study_spec().objectives[:1]}, r"objectives"),
        ({"constraints": ()}, r"constraints"),
        ({"seed": 1}, r"seed: stored 0, now 1"),
        ({"space": {"parameters": study_spec().space.parameters[:-1]}}, r"parameter sparsity\.level"),
        ({"space": {"constants": {"architecture": "conv_net", "conv_net.kernel": 5}}}, r"conv_net\.kernel"),
        ({"space": {"constants": {"architecture": "conv_net"}}}, r"conv_net\.kernel"),
        ({"space": {"profiles": {}}}, r"profile sparsity"),
    ],
)
def test_a_study_goes_on_with_nothing_else_than_it_began_with(store, tmp_path, change, words):
    spec = store.spec
    if "space" in change:
        change = {"space": spec.space.model_copy(update=change["space"])}
    with pytest.raises(StoreError, match=words):
        TrialStore.open_or_create(str(tmp_path), spec.model_copy(update=change))


@pytest.mark.parametrize("hours", [-7, 0, 5.5])
def test_a_time_of_any_zone_comes_back_as_the_same_moment(store, hours):
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    store.write(study_trial(0, started_at=local, finished_at=local))
    (trial,) = store.read()
    assert (trial.started_at, trial.started_at.utcoffset()) == (moment, timedelta(0))


def test_the_zone_of_the_host_changes_no_time(store, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        store.write(study_trial(0))
        assert store.read() == [study_trial(0)]
    finally:
        monkeypatch.undo()
        time.tzset()
