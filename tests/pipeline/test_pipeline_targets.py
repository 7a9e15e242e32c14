"""A trial for another runtime is measured on what that runtime opens, and fails where that computes otherwise."""

from datetime import UTC, datetime

import onnx
import openvino
import pytest
import torch
from kept_artifacts import artifact_folder
from onnx import numpy_helper
from small_trials import CHAINS, installed, small_dataset, small_space

from automl.core.study import StudySpec
from automl.core.target import Target
from automl.core.trial import TrialState
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.registry import RUNTIME
from automl.search.final_front import measure_front
from automl.storage.store import TrialStore

TARGET = Target(device="openvino")


@pytest.fixture(scope="module", autouse=True)
def techniques():
    with installed():
        yield


def runner_for(target: Target, tmp_path) -> TrialRunner:
    space, dataset = small_space(), small_dataset()
    spec = StudySpec(
        name="study",
        space=space,
        dataset="patterns",
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        target=target,
        seed=3,
        versions={},
        created_at=datetime.now(UTC).isoformat(),
    )
    store = TrialStore.create(str(tmp_path / "trials"), spec)
    return TrialRunner(spec, dataset, store, LatencyMeter(target, state_dir=tmp_path), torch.device("cpu"))


@pytest.fixture
def runner(tmp_path) -> TrialRunner:
    return runner_for(TARGET, tmp_path)


def answers(folder, images):
    network = openvino.Core().compile_model(folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return network(images)[0]


def test_the_row_is_what_openvino_makes_of_its_files(runner):
    trial = runner.run(0, CHAINS["quantized"])
    assert trial.state is TrialState.COMPLETE, trial.error_traceback
    folder, validation = artifact_folder(runner.store, 0), runner.dataset.validation
    assert {file.name for file in folder.iterdir()} == {"model.onnx", "model.xml", "model.bin", "recipe.json"}
    opened = [(folder / name).stat().st_size for name in ("model.xml", "model.bin")]
    assert trial.metrics["size_bytes"] == sum(opened)
    right = answers(folder, validation.images).argmax(axis=1) == validation.labels
    assert trial.metrics["accuracy"] == right.mean()
    assert 0 < trial.metrics["latency_low_ms"] <= trial.metrics["latency_ms"]


def test_the_front_is_measured_again_in_openvino(runner):
    trial = runner.run(0, CHAINS["quantized"])
    (measured,) = measure_front(runner.store, [trial], runner.dataset, runner.meter).trials
    test = runner.dataset.test
    right = answers(artifact_folder(runner.store, 0), test.images).argmax(axis=1) == test.labels
    assert measured.metrics["test_accuracy"] == right.mean()


def test_a_network_that_openvino_computes_otherwise_fails_its_trial(runner, monkeypatch):
    openvino_runtime = RUNTIME.load("openvino")
    write = openvino_runtime.write

    def write_wrongly(self, model, folder):
        """Convert as a broken converter would: the last layer's weights the wrong way round."""
        changed = onnx.load_from_string(model)
        last = next(tensor for tensor in reversed(changed.graph.initializer) if len(tensor.dims) == 2)
        last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last)[::-1].copy(), last.name))
        write(self, changed.SerializeToString(), folder)

    monkeypatch.setattr(openvino_runtime, "write", write_wrongly)
    trial = runner.run(0, CHAINS["float"])
    assert trial.state is TrialState.FAILED
    assert trial.error.startswith("ConversionError: target openvino:1 does not compute what ONNX Runtime does")
    assert trial.metrics == {}


def test_the_row_is_what_litert_makes_of_its_file(tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="the extra litert is not installed")
    runner = runner_for(Target(device="litert", batch=2), tmp_path)
    trial = runner.run(0, CHAINS["quantized"])
    assert trial.state is TrialState.COMPLETE, trial.error_traceback
    folder, validation = artifact_folder(runner.store, 0), runner.dataset.validation
    assert {file.name for file in folder.iterdir()} == {"model.onnx", "model.tflite", "recipe.json"}
    assert trial.metrics["size_bytes"] == (folder / "model.tflite").stat().st_size
    network = interpreter.Interpreter(str(folder / "model.tflite")).get_signature_runner()
    found = network(image=validation.images.transpose(0, 2, 3, 1).copy())["logits"]
    assert trial.metrics["accuracy"] == (found.argmax(axis=1) == validation.labels).mean()
    assert 0 < trial.metrics["latency_low_ms"] <= trial.metrics["latency_ms"]
    assert trial.metrics["latency_batch"] == 2
