"""How far a deployed network is from the simulated one is told whichever is better, and found where it begins."""

import logging

import pytest
import torch
from torch import nn

from automl.core.image import Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.pipeline import parity
from automl.pipeline.departure import first_departure
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.store import TrialStore
from automl_plugins.tasks.classification import Classification

SPACE = """
architecture: {conv_net: {depth: 2, width_1: 8, width_2: 8, kernel: 3, activation: relu}}
training: {epochs: 1, max_train_images: 100}
"""
NORMALIZATION = Normalization(scale=0.02, zero_point=50)
WIDTH = 4


@pytest.fixture(scope="module")
def dataset():
    torch.set_num_threads(1)
    return load_dataset("digits")


@pytest.fixture
def runner(dataset, tmp_path):
    (tmp_path / "small.yaml").write_text(SPACE, encoding="utf-8")
    space = load_space(str(tmp_path / "small.yaml"))
    spec = StudySpec(
        name="small",
        space=space,
        dataset="digits",
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={},
        created_at="2026-03-01T12:00:00Z",
    )
    store = TrialStore.create(str(tmp_path / "trials"), spec)
    meter = LatencyMeter(state_dir=tmp_path / "meter")
    return TrialRunner(spec=spec, dataset=dataset, store=store, meter=meter, device=torch.device("cpu"))


@pytest.mark.parametrize("accuracies", [(0.9, 0.8), (0.8, 0.9)], ids=["better in the file", "better in torch"])
def test_a_gap_is_told_whichever_of_the_two_is_better(runner, monkeypatch, caplog, accuracies):
    told = iter((accuracies[1], *accuracies))  # of the row, then the two that are compared
    monkeypatch.setattr(Classification, "score", lambda _task, _logits, _labels: next(told))
    with caplog.at_level(logging.WARNING, logger=parity.__name__):
        trial = runner.run(0, {})
    assert trial.state is TrialState.COMPLETE, trial.error
    assert trial.metrics["parity_gap"] == pytest.approx(0.1)
    assert trial.parity_layer is not None
    assert "differs from the simulated one by 10.00 points" in caplog.text


class Twice(nn.Module):
    """Runs one activation in two places."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, WIDTH, 3, padding=1)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.last = nn.Linear(WIDTH, 10)

    def forward(self, images):
        once = self.relu(self.first(images))
        again = self.relu(3.0 * self.second(once))
        return self.last(self.pool(again).flatten(1))


def quantized(model: nn.Module) -> Quantization:
    weights = {}
    with torch.no_grad():
        for name in ("first", "second", "last"):
            weight = model.get_submodule(name).weight
            scale = weight.abs().flatten(1).amax(dim=1) / 127
            spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
            weight.copy_(torch.round(weight / spread) * spread)
            weights[name] = WeightQuantization(bits=8, scale=tuple(scale.tolist()))
    outputs = {"relu": ActivationQuantization(scale=0.03, zero_point=0)}
    return Quantization(weights=weights, outputs=outputs)


def test_a_module_that_runs_twice_departs_nowhere_where_both_networks_are_one(dataset):
    model = Twice().eval()
    images = dataset.validation.images
    assert first_departure(model, quantized(model), images, NORMALIZATION) is None
