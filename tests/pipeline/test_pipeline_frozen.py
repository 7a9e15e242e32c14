"""What a network has frozen is compressed, and never trained, whatever a technique rebuilds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.load import load_dataset
from automl.pipeline.frozen import keeping_frozen
from automl.pipeline.stage_cache import NoCache
from automl.pipeline.stages import StageRunner

MODULE = """
import torch
from torch import nn

def make(frozen=()):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not (frozen == "all" or name.startswith(tuple(frozen))))
    return model

def whole(): return make("all")
def head(): return make(("0.", "2."))
"""


@pytest.fixture(scope="module")
def digits():
    data = load_dataset("digits")
    return replace(data, train=replace(data.train, images=data.train.images[:64], labels=data.train.labels[:64]))


@pytest.fixture
def run(tmp_path, monkeypatch, digits):
    """Run the stages of a network of the module above."""
    (tmp_path / "frozen_networks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    torch.set_num_threads(1)

    def run_one(network, stage, technique):
        profile = Profile(level=0.5, high=0.95) if stage is Stage.PRUNER else Profile(level=8, low=8, high=8)
        target = {"target": f"frozen_networks:{network}"}
        stages = (
            StageRecipe(stage=Stage.ARCHITECTURE, technique="python", hyperparameters=target),
            StageRecipe(stage=stage, technique=technique, hyperparameters={}, profile=profile),
        )
        recipe = Recipe(stages=stages, training=TrainingSettings(epochs=1, batch_size=16), seed=0)
        runner = StageRunner(recipe, digits, torch.device("cpu"), NoCache())
        return runner, runner.run().model

    return run_one


def original(network):
    import frozen_networks  # written by the fixture

    return getattr(frozen_networks, network)()


@pytest.mark.parametrize("technique", ["l1_norm", "l2_norm", "fpgm"])
def test_a_frozen_network_is_pruned_without_training(run, technique):
    runner, model = run("whole", Stage.PRUNER, technique)
    assert runner.epochs_trained == 0
    rows = {row.tobytes() for row in original("whole")[0].weight.detach().numpy()}
    kept = model[0].weight.detach().numpy()
    assert len(kept) < 8
    assert all(row.tobytes() in rows for row in kept)


def test_only_what_is_not_frozen_recovers(run):
    runner, model = run("head", Stage.PRUNER, "l1_norm")
    assert runner.epochs_trained > 1
    rows = {row.tobytes() for row in original("head")[0].weight.detach().numpy()}
    assert all(row.tobytes() in rows for row in model[0].weight.detach().numpy())
    assert not np.isin(model[6].weight.detach().numpy(), original("head")[6].weight.detach().numpy()).all()


@pytest.mark.parametrize("technique", ["ptq", "kmeans"])
def test_a_frozen_network_is_quantized_without_training(run, technique):
    runner, model = run("whole", Stage.QUANTIZER, technique)
    assert runner.epochs_trained == 0
    before = original("whole")[6].weight
    assert (model[6].weight - before).abs().max() < before.abs().max() / 50


def test_a_fit_freezes_by_name_whatever_was_rebuilt():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    seen = []

    def fit(model, **_):
        seen.extend((name, parameter.requires_grad) for name, parameter in model.named_parameters())

    rebuilt = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 2))
    keeping_frozen(fit, network)(rebuilt, epochs=1, learning_rate=0.1)
    assert seen == [("0.weight", False), ("0.bias", False), ("1.weight", True), ("1.bias", True)]
    assert keeping_frozen(fit, nn.Linear(2, 2)) is fit
