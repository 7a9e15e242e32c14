"""A whole trial: what is written is what was measured, and what goes wrong becomes the row."""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import onnxruntime
import pytest
import torch
from installed_plugins import also_installed
from kept_artifacts import artifact_folder
from torch import nn

from automl.core.fidelity import Transition
from automl.core.objective import Constraint
from automl.core.quantization import ActivationQuantization
from automl.core.recipe import Recipe
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.dataset import Dataset, Split
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.export.packing import pack
from automl.measure.contents import file_contents
from automl.measure.latency import LatencyMeter
from automl.pipeline import parity
from automl.pipeline.trial_runner import TrialRunner
from automl.registry import TECHNIQUE
from automl.spaces.load import load_space
from automl.storage.store import TrialStore
from automl.technique import Architecture, Pruner, Quantization, QuantizedModel, Quantizer, WeightQuantization

SPACE = """
architecture:
  conv_net: {depth: 2, width_1: [8], width_2: [8, 16], kernel: 3, activation: [relu, silu]}
  unbuildable:
  broken:
  one_for_all:
training: {epochs: 2, learning_rate: 0.02}
pruner:
  none:
  level: {recovery_epochs: 1}
  l1_norm: {recovery_epochs: 1}
  explode:
  widen:
sparsity: {level: 0.5, slope: 0}
quantizer:
  none:
  ptq:
  qat: {epochs: 1}
  liar:
  fibber:
weight_bits: {level: [3, 6, 8], slope: 0}
"""
POINT = {"architecture": "conv_net", "conv_net.width_2": 16, "conv_net.activation": "relu"}
FLOAT = {**POINT, "pruner": "none", "quantizer": "none"}
CHAINS = {
    "float": FLOAT,
    "pruned": {**POINT, "pruner": "l1_norm", "quantizer": "none"},
    "ptq": {**POINT, "pruner": "none", "quantizer": "ptq", "weight_bits.level": 8},
    "level and qat": {**POINT, "pruner": "level", "quantizer": "qat", "weight_bits.level": 6},
    "l1_norm and qat": {
        **POINT, "conv_net.activation": "silu", "pruner": "l1_norm", "quantizer": "qat", "weight_bits.level": 3,
    },
}  # fmt: skip
PRUNES_CHANNELS = {"pruned", "l1_norm and qat"}
EPOCHS = {"float": 2, "pruned": 3, "ptq": 2, "level and qat": 4, "l1_norm and qat": 4}


class Unbuildable(Architecture):
    name = "unbuildable"

    def build(self, context):
        raise InfeasibleError(f"images of {context.image_shape.height} pixels are too small")


class Broken(Architecture):
    name = "broken"

    def build(self, _context):
        raise RuntimeError("first line\nsecond line")


class LateBranch(nn.Module):
    """Decides by the image once it has been trained: what was rehearsed is another network."""

    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, values):
        if self.training:
            self.steps += 1
        return values.abs() if bool(self.steps > 0) and bool(values.abs().sum() > 0) else values


class OneForAll(Architecture):
    """Hands out the same network at each call."""

    name = "one_for_all"
    network: ClassVar[nn.Module]

    def build(self, _context):
        return self.network


class Explode(Pruner):
    """Makes the fit diverge."""

    name = "explode"

    def prune(self, model, _sparsity, context):
        next(model.parameters()).data.fill_(torch.inf)
        context.fit(model, epochs=1, learning_rate=0.01)
        return model


class Widen(Pruner):
    """Doubles the logits."""

    name = "widen"

    def prune(self, model, _sparsity, _context):
        return nn.Sequential(model, nn.Linear(10, 20))


class Liar(Quantizer):
    """Forgets to put the weights on the grid that it reports."""

    name = "liar"

    def quantize(self, model, _weight_bits, _context):
        layers = ((name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
        coarse = {name: WeightQuantization(bits=2, scale=(0.5,) * layer.out_channels) for name, layer in layers}
        return QuantizedModel(model, Quantization(weights=coarse))


class Fibber(Quantizer):
    """Forgets it too, on grids so fine that it could be rounding."""

    name = "fibber"

    def quantize(self, model, _weight_bits, context):
        layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
        fine = {
            name: WeightQuantization(bits=6, scale=tuple((layer.weight.detach().abs().amax((1, 2, 3)) / 31).tolist()))
            for name, layer in layers.items()
        }
        name, last = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.ReLU)][-1]
        largest = []
        handle = last.register_forward_hook(lambda _module, _inputs, output: largest.append(output.max().item()))
        model(context.calibration)
        handle.remove()
        outputs = {name: ActivationQuantization(scale=largest[0] / 255, zero_point=0)}
        return QuantizedModel(model, Quantization(weights=fine, outputs=outputs))


@pytest.fixture(scope="module", autouse=True)
def techniques():
    """Install the techniques above beside those that ship."""
    torch.set_num_threads(1)
    with also_installed(TECHNIQUE, Unbuildable, Broken, Explode, Widen, Liar, Fibber, OneForAll):
        yield


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    file = tmp_path_factory.mktemp("space") / "small.yaml"
    file.write_text(SPACE, encoding="utf-8")
    return load_space(str(file))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="module")
def meter(tmp_path_factory) -> LatencyMeter:
    return LatencyMeter(state_dir=tmp_path_factory.mktemp("meter"))


@pytest.fixture
def make_runner(space, dataset, meter, tmp_path):
    def make_runner(study: str = "study", *, seed: int = 5) -> TrialRunner:
        spec = StudySpec(
            name=study,
            space=space,
            dataset="digits",
            dataset_fingerprint=dataset.fingerprint,
            objectives=space.objectives,
            constraints=(Constraint.parse("size_bytes<=5000"), Constraint.parse("accuracy>=0.1")),
            seed=seed,
            versions={"torch": torch.__version__},
            created_at="2026-03-01T12:00:00Z",
        )
        store = TrialStore.create(str(tmp_path), spec)
        return TrialRunner(spec=spec, dataset=dataset, store=store, meter=meter, device=torch.device("cpu"))

    return make_runner


def artifact(runner: TrialRunner, number: int) -> Path:
    path = artifact_folder(runner.store, number)
    assert path is not None
    return path


def deployed_accuracy(file: Path, split: Split) -> float:
    """Run a file with ONNX Runtime as its user would."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": split.images})
    return float((logits.argmax(axis=1) == split.labels).mean())


@pytest.mark.parametrize("chain", CHAINS)
def test_row_of_a_complete_trial_is_what_its_file_says(chain, make_runner, dataset):
    runner = make_runner()
    trial = runner.run(4, CHAINS[chain])
    assert (trial.state, trial.error, trial.error_traceback) == (TrialState.COMPLETE, None, None)
    assert runner.store.read() == [trial]
    assert sorted(file.name for file in artifact(runner, 4).iterdir()) == ["model.onnx", "recipe.json"]
    file = artifact(runner, 4) / "model.onnx"
    assert trial.metrics["size_bytes"] == len(file.read_bytes())
    assert trial.metrics["download_bytes"] == len(pack(file.read_bytes())) < trial.metrics["size_bytes"]
    assert trial.metrics["accuracy"] == deployed_accuracy(file, dataset.validation)
    assert trial.metrics["accuracy"] > 0.2
    assert trial.metrics["parity_gap"] <= 0.02
    assert 0 < trial.metrics["latency_low_ms"] <= trial.metrics["latency_ms"] <= trial.metrics["latency_high_ms"]
    assert trial.constraints == {
        "size_bytes<=5000": trial.metrics["size_bytes"] - 5000,
        "accuracy>=0.1": 0.1 - trial.metrics["accuracy"],
    }
    channels = [layer.shape[0] for layer in file_contents(file) if layer.is_convolution]
    asked = [(8, 4.0), (16, 8.0)] if chain in PRUNES_CHANNELS else []
    assert channels == ([4, 8] if asked else [8, 16])
    assert [((width.before, width.asked), width.kept) for width in trial.widths] == [
        *zip(asked, channels, strict=False)
    ]


@pytest.mark.parametrize("chain", CHAINS)
def test_seconds_and_epochs_add_up(chain, make_runner):
    started = time.perf_counter()
    trial = make_runner().run(0, CHAINS[chain])
    elapsed = time.perf_counter() - started
    stages = {stage for stage, name in (("prune", "pruner"), ("quantize", "quantizer")) if trial.point[name] != "none"}
    assert trial.seconds.keys() == {"build", "fit", "export", "measure", "total", *stages}
    steps = sum(seconds for step, seconds in trial.seconds.items() if step != "total")
    assert 0.5 * trial.seconds["total"] < steps <= trial.seconds["total"] <= elapsed
    assert trial.epochs_trained == EPOCHS[chain]


def test_recipe_file_reads_back_as_the_recipe(make_runner, space):
    runner = make_runner(seed=9)
    runner.run(0, CHAINS["l1_norm and qat"])
    recipe = Recipe.model_validate_json((artifact(runner, 0) / "recipe.json").read_text())
    assert recipe == space.recipe(CHAINS["l1_norm and qat"], seed=9)


@pytest.mark.parametrize("chain", ["level and qat", "l1_norm and qat"])
def test_same_point_and_seed_give_the_same_bytes(chain, make_runner):
    first, second, other = (make_runner(name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    trials = [runner.run(number, CHAINS[chain]) for number, runner in enumerate((first, second, other))]
    files = [
        (artifact(runner, number) / "model.onnx").read_bytes() for number, runner in enumerate((first, second, other))
    ]
    assert files[0] == files[1]
    assert trials[0].metrics["accuracy"] == trials[1].metrics["accuracy"]
    assert files[0] != files[2]


def test_infeasible_point_has_a_reason_and_no_traceback(make_runner):
    runner = make_runner()
    trial = runner.run(0, {**FLOAT, "architecture": "unbuildable"})
    assert trial.state is TrialState.INFEASIBLE
    assert trial.error == "images of 8 pixels are too small"
    assert trial.error_traceback is None
    assert_nothing_measured(trial, runner)
    assert trial.epochs_trained == 0


def test_error_of_a_technique_fails_the_trial_with_its_traceback(make_runner):
    runner = make_runner()
    trial = runner.run(0, {**FLOAT, "architecture": "broken"})
    assert trial.state is TrialState.FAILED
    assert trial.error == "RuntimeError: first line"
    assert 'raise RuntimeError("first line\\nsecond line")' in trial.error_traceback
    assert_nothing_measured(trial, runner)


def test_diverging_fit_fails_the_trial(make_runner):
    runner = make_runner()
    trial = runner.run(0, {**FLOAT, "pruner": "explode"})
    assert trial.state is TrialState.FAILED
    assert trial.error.startswith("FloatingPointError: training diverged in epoch 1 of 1 at learning rate 0.01")
    assert trial.epochs_trained == 2
    assert trial.seconds["prune"] > 0
    assert_nothing_measured(trial, runner)


def test_artifact_that_cannot_be_written_fails_the_trial(make_runner, tmp_path):
    runner = make_runner()
    (tmp_path / "study" / "artifacts").write_text("a file where a folder should be")
    trial = runner.run(0, FLOAT)
    assert trial.state is TrialState.FAILED
    assert trial.error.startswith("StoreError: ")
    assert trial.seconds["measure"] > 0
    assert_nothing_measured(trial, runner)


def test_logits_of_another_shape_are_infeasible_and_name_the_technique(make_runner):
    trial = make_runner().run(0, {**FLOAT, "pruner": "widen"})
    assert trial.state is TrialState.INFEASIBLE
    assert trial.error == (
        "after pruner 'widen' the logits of two images have the shape (2, 20), not (2, 10); "
        "choose another pruner, or one that fits the data"
    )


def test_clock_is_an_argument(make_runner):
    instants = iter([datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC)])
    trial = replace(make_runner(), now=lambda: next(instants)).run(0, {**FLOAT, "architecture": "broken"})
    assert (trial.finished_at - trial.started_at).total_seconds() == 3600


def assert_nothing_measured(trial, runner) -> None:
    assert trial.metrics == {}
    assert trial.constraints == {}
    assert trial.artifact is None
    assert artifact_folder(runner.store, trial.number) is None
    assert runner.store.read() == [trial]


def test_file_that_does_not_compute_what_was_simulated_fails(make_runner):
    runner = make_runner()
    trial = runner.run(7, {**FLOAT, "quantizer": "liar", "weight_bits.level": 8})
    assert trial.state is TrialState.FAILED
    assert trial.error.startswith("FidelityError: the export changed what the network answers: its logits lie ")
    assert trial.fidelity[Transition.EXPORT] > 0.1
    assert_nothing_measured(trial, runner)


def test_file_whose_accuracy_differs_from_the_simulated_one_is_logged(make_runner, caplog, monkeypatch):
    monkeypatch.setattr(parity, "PARITY_LIMIT", -1.0)  # so that any accuracy differs
    with caplog.at_level(logging.WARNING, logger=parity.__name__):
        trial = make_runner().run(7, {**FLOAT, "quantizer": "fibber", "weight_bits.level": 8})
    assert trial.state is TrialState.COMPLETE, trial.error_traceback
    gap = trial.metrics["parity_gap"]
    points, layer = f"{100 * gap:.2f} points", "stages.1.activation"
    assert caplog.messages == [
        f"trial 7: the deployed accuracy differs from the simulated one by {points}, first at {layer}"
    ]
    assert trial.parity_layer == "stages.1.activation"


def test_file_that_agrees_with_the_simulation_logs_nothing(make_runner, caplog):
    trial = make_runner().run(0, FLOAT)
    assert trial.metrics["parity_gap"] == 0
    assert caplog.messages == []


def one_for_all(*first):
    torch.manual_seed(0)
    OneForAll.network = nn.Sequential(*first, nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))


ONE_FOR_ALL = {"architecture": "one_for_all", "pruner": "none", "quantizer": "none"}


def test_a_network_that_is_handed_out_twice_gives_equal_trials(make_runner):
    one_for_all()
    before = {name: tensor.clone() for name, tensor in OneForAll.network.state_dict().items()}
    runner = make_runner()
    first, second = (runner.run(number, ONE_FOR_ALL) for number in (0, 1))
    assert first.metrics["accuracy"] == second.metrics["accuracy"]
    assert first.metrics["download_bytes"] == second.metrics["download_bytes"]
    assert all(torch.equal(before[name], tensor) for name, tensor in OneForAll.network.state_dict().items())


def test_a_float_file_that_answers_otherwise_after_training_fails(make_runner):
    one_for_all(LateBranch())
    runner = make_runner()
    trial = runner.run(0, ONE_FOR_ALL)
    assert trial.state is TrialState.FAILED, trial.error
    assert trial.epochs_trained > 0
    assert trial.error.startswith("FidelityError: the export changed what the network answers")
    assert_nothing_measured(trial, runner)
