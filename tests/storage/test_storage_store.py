"""The store keeps trials whole, each once, for one study."""

import errno
import fcntl
import json
import math
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from kept_artifacts import artifact_folder
from pyarrow import parquet as pq
from storage_study import study_spec, study_trial

from automl.core.domain import Categorical
from automl.core.objective import Constraint
from automl.core.parameter import Parameter
from automl.core.recipe import StageRecipe, Teacher
from automl.core.stage import Stage
from automl.core.trial import TrialState
from automl.errors import StoreError
from automl.storage import parquet
from automl.storage.parquet import decode_trials, encode_trials
from automl.storage.store import TrialStore, list_studies


@pytest.fixture
def spec():
    return study_spec()


@pytest.fixture
def make_trial():
    return study_trial


@pytest.fixture(params=["path", "file", "remote"])
def root(request, tmp_path) -> str:
    """A local path, a file URI, and a filesystem that is not local (in memory)."""
    if request.param == "remote":
        return f"fsspec+memory://{tmp_path.name}"
    return str(tmp_path / "trials") if request.param == "path" else f"file://{tmp_path}/trials"


@pytest.fixture
def store(root, spec) -> TrialStore:
    return TrialStore.create(root, spec)


def rows_file(root: Path) -> Path:
    return root / "digits" / "trials.parquet"


def write_single(root: Path, trial) -> Path:
    """Write a row as a file of its own, as automl 0.1 did."""
    file = root / "digits" / "trials" / f"trial-{trial.number:06d}.parquet"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(encode_trials([trial], study_spec()))
    return file


def test_trials_come_back_as_they_were_written_in_order_of_number(store, make_trial):
    trials = [
        make_trial(0),
        make_trial(1, state=TrialState.STOPPED, metrics={"accuracy": 0.5}, constraints={}),
        make_trial(2, point={"conv_net.depth": 2}, artifact="artifacts/000002", artifact_sha256="ab" * 32),
        make_trial(3, state=TrialState.FAILED, metrics={}, error="no [memory]", error_traceback="Traceback\n  line"),
    ]
    for trial in reversed(trials):
        store.write(trial)
    assert store.read() == trials


def test_an_empty_study_has_no_trials(store):
    assert store.read() == []
    assert store.compact() == 0


def test_writing_a_number_again_replaces_the_row(store, make_trial):
    store.write(make_trial(0))
    store.write(make_trial(0, host="beta"))
    assert [trial.host for trial in store.read()] == ["beta"]


def test_rows_are_in_one_file_as_soon_as_they_are_written(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    assert pq.read_table(rows_file(tmp_path)).num_rows == 0
    for number in (3, 1, 2):
        store.write(make_trial(number))
        assert number in pq.read_table(rows_file(tmp_path))["number"].to_pylist()
    assert pq.read_table(rows_file(tmp_path))["number"].to_pylist() == [1, 2, 3]
    assert list((tmp_path / "digits").rglob("*.parquet")) == [rows_file(tmp_path)]


def test_where_nothing_locks_a_row_is_a_file_that_no_reader_takes_for_the_table(tmp_path, spec, make_trial):
    store = TrialStore.create(f"fsspec+memory://{tmp_path.name}", spec)
    store.write(make_trial(0))
    folder = store._folder
    assert list(folder.files("trials")) == ["trial-000000.row"]
    assert store.compact() == 1
    assert list(folder.files("trials")) == []
    assert store.read() == [make_trial(0)]


def test_rows_that_are_files_of_their_own_are_published(tmp_path, spec, make_trial):
    store = TrialStore.create(f"fsspec+memory://{tmp_path.name}", spec)
    store.publish()
    store.write(make_trial(0))
    store.publish()
    assert list(store._folder.files("trials")) == []
    assert [trial.number for trial in decode_trials(store._folder.read("trials.parquet"), source="memory")] == [0]


def test_a_file_system_without_locks_is_written_as_a_bucket_is(tmp_path, spec, make_trial, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    store = TrialStore.create(str(tmp_path), spec)
    monkeypatch.setattr(fcntl, "flock", refuse)
    store.write(make_trial(0))
    assert [file.name for file in (tmp_path / "digits" / "trials").iterdir()] == ["trial-000000.row"]
    assert store.compact() == 1
    assert store.read() == [make_trial(0)]


def test_compaction_folds_the_single_files_of_an_older_store(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    rows_file(tmp_path).unlink()
    trials = [make_trial(number, metrics={"accuracy": 0.7, "energy_mj": number / 2}) for number in range(5)]
    for trial in trials:
        write_single(tmp_path, trial)
    assert store.read() == trials
    assert store.compact() == 5
    assert store.read() == trials
    assert list((tmp_path / "digits" / "trials").iterdir()) == []


def test_a_row_joins_those_of_an_older_store(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    write_single(tmp_path, make_trial(0))
    store.write(make_trial(1))
    assert store.read() == [make_trial(0), make_trial(1)]
    assert pq.read_table(rows_file(tmp_path)).num_rows == 2


def test_compaction_again_adds_the_rows_written_since(store, make_trial):
    store.write(make_trial(0))
    store.compact()
    store.write(make_trial(1, metrics={"accuracy": 0.7, "energy_mj": 3.0}))
    store.write(make_trial(0, host="beta"))
    assert store.compact() == 2
    assert store.compact() == 2
    first, second = store.read()
    assert first.host == "beta"
    assert second.metrics == {"accuracy": 0.7, "energy_mj": 3.0}


def test_a_single_file_wins_over_the_folded_row(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    store.write(make_trial(0))
    write_single(tmp_path, make_trial(0, host="beta"))
    assert [trial.host for trial in store.read()] == ["beta"]
    store.compact()
    assert [trial.host for trial in store.read()] == ["beta"]


def test_a_kill_between_folding_and_removing_counts_no_trial_twice(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    trials = [make_trial(number) for number in range(3)]
    for trial in trials:
        store.write(trial)
    write_single(tmp_path, trials[1])
    assert store.read() == trials
    assert store.compact() == 3
    assert store.read() == trials


def test_a_torn_file_is_named(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    path = write_single(tmp_path, make_trial(7))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"trial-000007\.parquet is not a whole trial file"):
        store.read()


def test_a_parquet_file_that_holds_no_trials_is_named(tmp_path, spec):
    store = TrialStore.create(str(tmp_path), spec)
    pq.write_table(pa.table({"number": [1]}), tmp_path / "digits" / "trials.parquet")
    with pytest.raises(StoreError, match=r"trials\.parquet is not a whole trial file"):
        store.read()


def test_a_newer_schema_asks_for_an_upgrade(tmp_path, spec, make_trial, monkeypatch):
    store = TrialStore.create(str(tmp_path), spec)
    store.write(make_trial(0))
    monkeypatch.setattr(parquet, "SCHEMA_VERSION", 2)
    store.write(make_trial(1))
    monkeypatch.undo()
    for act in (store.read, lambda: store.write(make_trial(2))):
        with pytest.raises(StoreError, match=r"schema version 2.*upgrade automl"):
            act()


def test_a_study_with_a_newer_schema_asks_for_an_upgrade(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    path = tmp_path / "digits" / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 2, "unknown": 1}))
    with pytest.raises(StoreError, match=r"study\.json has schema version 2.*upgrade automl"):
        TrialStore.open(str(tmp_path), "digits")


def test_a_broken_study_file_is_named(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    (tmp_path / "digits" / "study.json").write_text('{"schema_version": 1')
    with pytest.raises(StoreError, match=r"study\.json is not a study"):
        TrialStore.open(str(tmp_path), "digits")


def test_a_metric_that_is_not_a_number_is_absent(store, make_trial):
    store.write(make_trial(0, metrics={"accuracy": math.nan, "size_bytes": math.nan, "latency_ms": 0.5}))
    assert store.read()[0].metrics == {"latency_ms": 0.5}


def test_a_violation_that_is_not_a_number_stays_infeasible(store, make_trial):
    trial = make_trial(0, constraints={"size_bytes<=50000": math.nan})
    store.write(trial)
    assert not trial.is_feasible
    assert not store.read()[0].is_feasible


def test_a_parameter_of_another_study_is_refused(store, make_trial):
    with pytest.raises(StoreError, match=r"trial 0 has the parameter 'mlp\.depth', which study 'digits'"):
        store.write(make_trial(0, point={"mlp.depth": 3}))


def test_a_column_type_does_not_change_with_the_values(spec, make_trial):
    nothing = make_trial(1, state=TrialState.FAILED, point={}, metrics={}, constraints={}, seconds={}, versions={})
    full, empty, none = (
        pq.read_schema(pa.BufferReader(encode_trials(trials, spec))) for trials in ([make_trial(0)], [nothing], [])
    )
    assert full.equals(empty)
    assert full.equals(none)
    types = {
        "param.conv_net.depth": pa.int64(),
        "param.conv_net.width_1": pa.int64(),
        "param.conv_net.residual": pa.bool_(),
        "param.pruner": pa.string(),
        "param.sparsity.level": pa.float64(),
        "metric.accuracy": pa.float64(),
        "metric.size_bytes": pa.int64(),
        "metric.download_bytes": pa.int64(),
        "constraint.size_bytes<=50000": pa.float64(),
        "seconds.fit": pa.float64(),
        "started_at": pa.timestamp("us", tz="UTC"),
        "versions.torch": pa.string(),
        "schema_version": pa.int64(),
    }
    assert {name: full.field(name).type for name in types} == types
    assert "param.conv_net.kernel" not in full.names


@pytest.mark.usefixtures("store")
def test_create_makes_a_study_that_opens_the_same(root, spec):
    assert TrialStore.open(root, "digits").spec == spec
    assert list_studies(root) == ["digits"]


@pytest.mark.usefixtures("store")
def test_create_refuses_a_study_that_exists(root, spec):
    with pytest.raises(StoreError, match=r"'digits' already exists.*--study NEWNAME"):
        TrialStore.create(root, spec)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".cache", "a b"])
def test_create_refuses_a_name_that_is_no_folder_name(tmp_path, spec, name):
    with pytest.raises(StoreError, match="study name"):
        TrialStore.create(str(tmp_path), spec.model_copy(update={"name": name}))


def test_a_root_that_cannot_be_written_is_named_and_left_alone(tmp_path, spec):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write .*file/digits/study\.json: Not a directory; .*--store"):
        TrialStore.create(str(tmp_path / "file"), spec)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


_ON_A_FULL_DISK = """
import resource, sys
from storage_study import study_spec, study_trial
from automl.errors import StoreError
from automl.storage import parquet
from automl.storage.parquet import decode_trials, encode_trials
from automl.storage.store import TrialStore
root, action = sys.argv[1:]
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
try:
    if action == "create":
        TrialStore.create(root, study_spec())
    else:
        TrialStore.open(root, "digits").write(study_trial(0, host="beta"))
except StoreError as error:
    print(error)
"""


def on_a_full_disk(root: Path, action: str) -> str:
    """Do it in a process that may write no file of more than 100 bytes, and give the error."""
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(root), action]
    return subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True).stdout


def test_a_study_that_cannot_be_finished_leaves_nothing(tmp_path):
    assert re.search(r"cannot write .*study\.json: File too large", on_a_full_disk(tmp_path, "create"))
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_cannot_be_written_leaves_the_earlier_one(tmp_path, spec, make_trial):
    store = TrialStore.create(str(tmp_path), spec)
    store.write(make_trial(0))
    assert re.search(r"cannot write .*trials\.parquet", on_a_full_disk(tmp_path, "write"))
    assert store.read() == [make_trial(0)]
    assert [file.name for file in (tmp_path / "digits" / ".tmp").iterdir()] == ["compact.lock"]


@pytest.mark.parametrize("limit", [math.inf, -math.inf, math.nan])
def test_a_study_that_would_not_read_back_is_refused_and_leaves_nothing(tmp_path, spec, limit):
    endless = spec.model_copy(
        update={"constraints": (Constraint.model_construct(metric="size_bytes", operator="<=", limit=limit),)}
    )
    with pytest.raises(StoreError, match=r"'digits' cannot be kept: constraints\.0\.limit has no form in study\.json"):
        TrialStore.create(str(tmp_path), endless)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scheme_is_refused():
    with pytest.raises(StoreError, match=r"cannot open gopher://host/trials"):
        list_studies("gopher://host/trials")


@pytest.mark.usefixtures("store")
def test_open_names_the_nearest_studies(root):
    with pytest.raises(StoreError, match=r"no study 'digit'.*did you mean 'digits'\?"):
        TrialStore.open(root, "digit")
    with pytest.raises(StoreError, match=r"no study 'zzz'.*it has digits"):
        TrialStore.open(root, "zzz")


def test_open_in_an_empty_root_says_how_a_study_begins(tmp_path):
    with pytest.raises(StoreError, match=r"it has none yet: automl search"):
        TrialStore.open(str(tmp_path / "nowhere"), "digits")
    assert list_studies(str(tmp_path / "nowhere")) == []


def test_other_folders_are_not_studies(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "notes").mkdir()
    assert list_studies(str(tmp_path)) == ["digits"]


def test_open_or_create_goes_on_with_the_same_study(root, spec, make_trial):
    TrialStore.open_or_create(root, spec).write(make_trial(0))
    later = spec.model_copy(update={"created_at": "2027-01-01T00:00:00Z", "versions": {"torch": "9.0"}})
    store = TrialStore.open_or_create(root, later)
    assert store.read() == [make_trial(0)]
    assert store.spec == spec


def test_open_or_create_says_which_parameter_differs(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    wider = Parameter(name="conv_net.width_1", domain=Categorical(choices=(8, 16, 24)))
    parameters = (spec.space.parameters[0], wider, *spec.space.parameters[2:])
    other = spec.model_copy(update={"space": spec.space.model_copy(update={"parameters": parameters})})
    message = r"parameter conv_net\.width_1: stored \[8, 16\], now \[8, 16, 24\]\); .*--study NEWNAME"
    with pytest.raises(StoreError, match=message):
        TrialStore.open_or_create(str(tmp_path), other)


def test_open_or_create_says_whose_teacher_differs(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    network = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters={"depth": 4})
    taught = spec.space.model_copy(update={"teacher": Teacher(candidates=(network,))})
    message = "teacher: stored the largest of the space, now conv_net: depth 4"
    with pytest.raises(StoreError, match=message):
        TrialStore.open_or_create(str(tmp_path), spec.model_copy(update={"space": taught}))


def test_open_or_create_shows_the_first_few_differences(tmp_path, spec):
    TrialStore.create(str(tmp_path), spec)
    other = spec.model_copy(
        update={"seed": 1, "dataset": "mnist", "dataset_fingerprint": "cd" * 32, "constraints": (), "objectives": ()}
    )
    with pytest.raises(StoreError, match=r"dataset: stored digits, now mnist; .*; and 2 more\)"):
        TrialStore.open_or_create(str(tmp_path), other)


def test_an_artifact_is_kept_read_and_deleted(store, tmp_path):
    source = tmp_path / "work"
    (source / "scratch").mkdir(parents=True)
    (source / "model.onnx").write_bytes(b"\x00\x01")
    (source / "recipe.json").write_text("{}")
    assert store.write_artifact(12, source) == "artifacts/000012"
    store.read_artifact(12, tmp_path / "out" / "deep")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "deep").iterdir()} == {
        "model.onnx": b"\x00\x01",
        "recipe.json": b"{}",
    }
    store.delete_artifact(12)
    store.delete_artifact(12)
    with pytest.raises(StoreError, match=r"trial 12 .*--keep-artifacts all"):
        store.read_artifact(12, tmp_path / "again")


@pytest.fixture
def artifacts(store, tmp_path):
    """Two trials' artifacts, and the checksums that the first trial's row keeps."""
    for number in (0, 1):
        (tmp_path / "model.onnx").write_bytes(b"model %d" % number)
        (tmp_path / "recipe.json").write_text(f"recipe {number}")
        store.write_artifact(number, tmp_path)
    return store._folder.child("artifacts/000000"), store._folder.child("artifacts/000001"), store.artifact_sha256(0)


@pytest.mark.parametrize("name", ["model.onnx", "recipe.json"])
def test_an_artifact_with_a_file_of_another_is_refused_with_its_name(store, artifacts, name, tmp_path):
    own, other, sha256 = artifacts
    store.read_artifact(0, tmp_path / "out", sha256=sha256)
    own.replace(name, other.read(name))
    with pytest.raises(StoreError, match=rf"artifacts/000000/{name} is not the file that the trial wrote"):
        store.read_artifact(0, tmp_path / "out", sha256=sha256)


@pytest.mark.parametrize("name", ["model.onnx", "recipe.json"])
def test_an_artifact_that_lacks_a_file_is_refused_with_its_name(store, artifacts, name, tmp_path):
    own, _, sha256 = artifacts
    own.delete_file(name, unless_changed_since=own.files("")[name])
    with pytest.raises(StoreError, match=rf"artifacts/000000/{name} is missing"):
        store.read_artifact(0, tmp_path / "out", sha256=sha256)


def test_an_artifact_of_before_the_checksums_is_read(store, artifacts, tmp_path):
    own, other, _ = artifacts
    own.replace("model.onnx", other.read("model.onnx"))
    store.read_artifact(0, tmp_path / "out")
    assert (tmp_path / "out" / "model.onnx").read_bytes() == b"model 1"


def test_the_checksums_are_what_sha256sum_reads(tmp_path, spec):
    store = TrialStore.create(str(tmp_path / "trials"), spec)
    (tmp_path / "model.onnx").write_bytes(b"model")
    store.write_artifact(0, tmp_path)
    command, folder = ["sha256sum", "-c"], artifact_folder(store, 0)
    given = store.artifact_sha256(0) + "\n"
    done = subprocess.run(command, check=True, cwd=folder, input=given, text=True, capture_output=True)
    assert done.stdout == "model.onnx: OK\n"


def test_a_local_artifact_is_a_folder_of_its_study(tmp_path, spec):
    store = TrialStore.create(str(tmp_path / "trials"), spec)
    (tmp_path / "model.onnx").write_bytes(b"\x00")
    assert artifact_folder(store, 3) is None
    name = store.write_artifact(3, tmp_path)
    assert artifact_folder(store, 3) == tmp_path / "trials" / "digits" / name


def test_a_store_travels_to_another_process(store, make_trial):
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
    copy.write(make_trial(0))
    assert store.read() == [make_trial(0)]


def test_a_relative_root_stays_where_it_was_opened(tmp_path, spec, make_trial, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = TrialStore.create("trials", spec)
    monkeypatch.chdir("/")
    store.write(make_trial(0))
    assert pq.read_table(rows_file(tmp_path / "trials")).num_rows == 1


def test_times_come_back_in_utc(store, make_trial):
    trial = make_trial(0)
    local = replace(trial, started_at=trial.started_at.astimezone())
    store.write(local)
    assert store.read()[0].started_at == trial.started_at
    assert store.read()[0].started_at.utcoffset().total_seconds() == 0
