"""A trial measures what its study asks for, by plugins of anybody; one that fails is named, and never overlooked."""

import os

import numpy as np
import pytest
import torch
from installed_plugins import also_installed

from automl.core.objective import Constraint, Objective
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.metric import Direction, Measurement, Metric, Score, Unit
from automl.pipeline.trial_runner import TrialRunner
from automl.registry import METRIC
from automl.search.final_front import measure_front
from automl.spaces.load import load_space
from automl.storage.store import TrialStore

SPACE = """
architecture: {conv_net: {depth: 2, width_1: 8, width_2: 8, kernel: 3, activation: relu}}
training: {epochs: 1, max_train_images: 100}
"""


class Top3(Score):
    """Share of the images whose class is among the three largest logits."""

    metric = Metric("top3_share", Unit.SHARE, Direction.MAX)

    def score(self, deployed):
        best = np.argsort(deployed.outputs, axis=1)[:, -3:]
        return float((best == deployed.labels[:, None]).any(axis=1).mean())


class Where(Measurement):
    """Says which process measures, and what it was given."""

    metric = Metric("process", Unit.COUNT)
    beside = (Metric("images_run"), Metric("latency_again_ms", Unit.MILLISECONDS), Metric("macs_again", Unit.COUNT))
    is_measured_alone = True

    def measure(self, deployed):
        outputs = deployed.run(deployed.images)
        assert np.allclose(outputs, deployed.outputs)
        return {
            "process": os.getpid(),
            "images_run": len(outputs),
            "latency_again_ms": deployed.timed().latency_ms,
            "macs_again": deployed.count_macs(),
        }


class Raising(Measurement):
    """Has no meter."""

    metric = Metric("power_mw", symbol="mW")

    def measure(self, deployed):
        raise OSError(f"no meter\nis attached for {deployed}")


class RaisingAlone(Raising):
    """Has no meter in the process that measures."""

    metric = Metric("power_alone_mw", symbol="mW")
    is_measured_alone = True


class Giving(Measurement):
    """Gives whatever it is told to."""

    metric = Metric("gain_db", symbol="dB", better=Direction.MAX, bounds=(-100.0, 100.0))
    given = 1.0

    def measure(self, deployed):
        assert deployed.parameters > 0
        return self.given


@pytest.fixture(scope="module", autouse=True)
def own_metrics():
    torch.set_num_threads(1)
    with also_installed(METRIC, Top3, Where, Raising, RaisingAlone, Giving):
        yield


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("digits")


@pytest.fixture
def study(dataset, tmp_path):
    (tmp_path / "small.yaml").write_text(SPACE, encoding="utf-8")
    space = load_space(str(tmp_path / "small.yaml"))

    def run(*objectives, constraints=()):
        spec = StudySpec(
            name="small",
            space=space,
            dataset="digits",
            dataset_fingerprint=dataset.fingerprint,
            task=dataset.task.name,
            objectives=tuple(map(Objective.parse, objectives)),
            constraints=tuple(map(Constraint.parse, constraints)),
            seed=0,
            versions={},
            created_at="2026-03-01T12:00:00Z",
        )
        store = TrialStore.create(str(tmp_path / "trials"), spec)
        meter = LatencyMeter(state_dir=tmp_path / "meter")
        runner = TrialRunner(spec=spec, dataset=dataset, store=store, meter=meter, device=torch.device("cpu"))
        return runner.run(0, {}), store, meter

    return run


def test_a_metric_of_somebody_else_is_in_the_row_and_on_the_test_split(study, dataset):
    trial, store, meter = study("top3_share", constraints=("macs<=1M",))
    assert trial.state is TrialState.COMPLETE, trial.error
    assert trial.metrics["accuracy"] <= trial.metrics["top3_share"] <= 1
    assert trial.constraints["macs<=1000000"] == trial.metrics["macs"] - 1e6
    assert not {"process", "power_mw", "gain_db", "mean_absolute_error"} & trial.metrics.keys()
    (final,) = measure_front(store, store.read(), dataset, meter).trials
    assert final.metrics["test_accuracy"] <= final.metrics["test_top3_share"] <= 1
    assert store.read() == [final]


def test_a_metric_that_is_measured_alone_runs_in_another_process(study, dataset):
    trial, _, _ = study("accuracy", "process:min", "macs")
    assert trial.state is TrialState.COMPLETE, trial.error
    assert trial.metrics["process"] != os.getpid()
    assert trial.metrics["images_run"] == len(dataset.validation.images)
    assert trial.metrics["latency_again_ms"] > 0
    assert trial.metrics["macs_again"] == trial.metrics["macs"]


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("power_mw", "metric 'power_mw' of tests 1"),
        ("power_alone_mw", "metric 'power_alone_mw'"),  # the other process knows of no package "tests"
    ],
)
def test_a_metric_that_raises_fails_the_trial_by_its_name_in_one_line(study, name, named):
    trial, _, _ = study(name)
    assert trial.state is TrialState.FAILED
    assert trial.error == f"MeasureError: {named} raised OSError: no meter"
    assert trial.metrics == {}
    assert trial.artifact is None


REMEDY = "correct the bounds of its Metric, or what it measures"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (float("nan"), "gave nan for gain_db, which is no finite number"),
        (float("inf"), "gave inf for gain_db, which is no finite number"),
        ("12", "gave '12' for gain_db, which is no finite number"),
        (None, "gave None for gain_db, which is no finite number"),
        (
            101.0,
            f"gave 101.0 for gain_db, which is outside -100 to 100; {REMEDY}",
        ),
        ({"gain": 1.0}, "gave 'gain' too; name it in its class variable beside"),
        ({}, "did not give it"),
    ],
)
def test_what_is_no_number_of_the_metric_fails_the_trial(study, monkeypatch, given, told):
    monkeypatch.setattr(Giving, "given", given)
    trial, _, _ = study("gain_db")
    assert trial.state is TrialState.FAILED
    assert trial.error == f"MeasureError: metric 'gain_db' of tests 1 {told}"


@pytest.mark.parametrize("given", [-3.5, 0, np.float32(2.5), np.int64(4)])
def test_numbers_of_any_type_are_kept(study, monkeypatch, given):
    monkeypatch.setattr(Giving, "given", given)
    trial, store, _ = study("gain_db")
    assert trial.metrics["gain_db"] == given
    assert store.read()[0].metrics["gain_db"] == given
