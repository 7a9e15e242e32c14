"""A real search of digits in one process, from the first point to the measured front."""

import json
from dataclasses import replace
from shutil import copytree

import onnxruntime
import pytest
import torch
from kept_artifacts import artifact_folder
from tiny_study import Silent

from automl.core.pareto import pareto_front
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.engines.inline_engine import run_inline
from automl.measure.latency import LatencyMeter
from automl.measurements import wishable_metrics
from automl.pipeline.trial_runner import TrialRunner
from automl.search.final_front import measure_front
from automl.search.options import KeepArtifacts
from automl.search.session import SearchSession
from automl.search.versions import library_versions
from automl.spaces.load import load_space
from automl.storage.store import TrialStore
from automl.suggest.optuna_suggester import OptunaSuggester

BUDGET = 3
SPACE = """
objectives: [accuracy:max, size_bytes:min]
architecture:
  conv_net: {depth: 2, width_1: 8, width_2: [8, 16], kernel: 3, activation: relu}
training: {epochs: 1, learning_rate: %s}
quantizer: {none: , ptq: }
weight_bits: {level: 8}
"""


class Search:
    """What a search leaves behind."""

    def __init__(self, root, learning_rate):
        self.root = root
        (root / "small.yaml").write_text(SPACE % learning_rate)
        space = load_space(str(root / "small.yaml"))
        self.dataset = load_dataset("digits")
        spec = StudySpec(
            name="small",
            space=space,
            dataset="digits",
            dataset_fingerprint=self.dataset.fingerprint,
            objectives=space.objectives,
            constraints=(),
            seed=0,
            versions=library_versions(),
            created_at="2026-03-01T12:00:00Z",
        )
        self.listener = Silent()
        self.store = TrialStore.create(str(root / "trials"), spec)
        suggester = OptunaSuggester(space, space.objectives, sampler="random", seed=0)
        self.meter = LatencyMeter(state_dir=root)
        self.session = SearchSession(
            self.store, suggester, budget=BUDGET, keep=KeepArtifacts.FRONT, listener=self.listener
        )
        runner = TrialRunner(
            spec=spec, dataset=self.dataset, store=self.store, meter=self.meter, device=torch.device("cpu")
        )
        run_inline(self.session, runner)
        self.front = {trial.number for trial in pareto_front(self.session.trials, spec.objectives)}


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    found = Search(tmp_path_factory.mktemp("search"), learning_rate=0.01)
    found.measured = measure_front(found.store, found.session.trials, found.dataset, found.meter).trials
    return found


def test_every_trial_is_one_complete_row(search):
    rows = search.store.read()
    assert [row.number for row in rows] == [0, 1, 2]
    assert {row.state for row in rows} == {TrialState.COMPLETE}
    assert rows == list(search.measured)
    assert len(search.listener.told) == 1 + BUDGET


OPTIONAL = {"macs", "mean_absolute_error"}
"""Measured where a study wishes for it, or is of a task that is scored by it."""


def test_a_trial_measures_exactly_the_metrics_that_a_user_may_wish_for(search):
    for trial in search.session.trials:
        assert sorted(trial.metrics) == sorted(set(wishable_metrics()) - OPTIONAL)


def test_only_members_of_the_front_have_a_test_accuracy_and_an_idle_latency(search):
    for metric in ("test_accuracy", "latency_idle_ms"):
        assert {trial.number for trial in search.store.read() if metric in trial.metrics} == search.front


def test_a_front_that_was_measured_is_not_measured_again(search):
    again = measure_front(search.store, search.measured, search.dataset, meter=None)
    assert again.trials == search.measured
    assert not again.problems


class Meter:
    """Gives the latency that it is told to, as a machine that is busy or not would."""

    def __init__(self, meter, **changes):
        self.target, self._meter, self._changes = meter.target, meter, changes

    def measure(self, path, *, images):
        return replace(self._meter.measure(path, images=images), **self._changes)


def unmeasured(search):
    final = ("test_accuracy", "latency_idle_ms", "latency_idle_is_gated")
    return [
        replace(trial, metrics={name: value for name, value in trial.metrics.items() if name not in final})
        for trial in search.measured
    ]


def unsure(trial):
    return replace(trial, metrics={**trial.metrics, "latency_is_gated": 0.0, "latency_ms": 9.0, "latency_high_ms": 9.9})


def test_a_latency_that_was_not_sure_is_replaced_by_one_that_is(search, tmp_path):
    store = copy_of(search, tmp_path)
    trials = [unsure(trial) for trial in unmeasured(search)]
    found = measure_front(store, trials, search.dataset, Meter(search.meter, is_gated=True, latency_ms=0.5))
    for before, after in zip(trials, found.trials, strict=True):
        is_on_front = after.number in search.front
        assert after.metrics["latency_is_gated"] == float(is_on_front)
        assert after.metrics["latency_ms"] == (0.5 if is_on_front else before.metrics["latency_ms"])
    assert {trial.number: trial for trial in store.read()}.keys() == {trial.number for trial in found.trials}


def test_a_latency_that_was_sure_stays_and_one_that_is_not_does_not_take_its_place(search, tmp_path):
    store = copy_of(search, tmp_path)
    sure = unmeasured(search)
    found = measure_front(store, sure, search.dataset, Meter(search.meter, is_gated=False, latency_ms=0.5))
    for before, after in zip(sure, found.trials, strict=True):
        assert after.metrics["latency_ms"] == before.metrics["latency_ms"]
        if after.number in search.front:
            assert after.metrics["latency_idle_ms"] == 0.5
            assert not after.is_sure_of("latency_idle_ms")


def test_a_member_of_the_front_that_cannot_be_measured_is_named_and_the_others_are_measured(search, tmp_path):
    store = copy_of(search, tmp_path)
    first, *others = sorted(search.front)
    (artifact_folder(store, first) / "model.onnx").write_bytes(b"no network")
    found = measure_front(store, unmeasured(search), search.dataset, search.meter)
    assert {trial.number for trial in found.trials if "test_accuracy" in trial.metrics} == set(others)
    (problem,) = found.problems
    assert problem.startswith(f"trial {first} of the front could not be measured again: ")
    assert "\n" not in problem


def copy_of(search, folder):
    copytree(search.root / "trials", folder / "trials")
    return TrialStore.open(str(folder / "trials"), search.store.spec.name)


def test_the_test_accuracy_is_that_of_the_stored_file(search):
    trial = next(trial for trial in search.measured if trial.number in search.front)
    folder = artifact_folder(search.store, trial.number)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    test = search.dataset.test
    (logits,) = session.run(None, {"image": test.images})
    assert trial.metrics["test_accuracy"] == pytest.approx((logits.argmax(1) == test.labels).mean())
    assert (folder / "model.onnx").stat().st_size == trial.metrics["size_bytes"]
    assert json.loads((folder / "recipe.json").read_text())["seed"] == 0


def test_folders_are_kept_of_the_front_alone(search):
    kept = {number for number in range(BUDGET) if artifact_folder(search.store, number) is not None}
    assert kept == search.front == {trial.number for trial in search.store.read() if trial.artifact is not None}


def test_the_rows_can_be_folded_into_one_file(search):
    before = search.store.read()
    assert search.store.compact() == BUDGET
    assert search.store.read() == before
