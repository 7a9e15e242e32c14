"""A fit that pauses after a rung goes on later, on any worker, to the very network of one that did not."""

from dataclasses import replace

import pytest
import torch

from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.datasets.load import load_dataset
from automl.pipeline.stage_cache import FolderCache, NoCache
from automl.pipeline.stages import StageRunner
from automl.storage.cache import CacheFolder

RUNGS = (1, 2)
CPU = torch.device("cpu")
FIELDS = {"depth": 2, "width_1": 8, "width_2": 8}


@pytest.fixture(scope="module")
def dataset():
    digits = load_dataset("digits")
    return replace(digits, train=Split(digits.train.images[:128], digits.train.labels[:128]))


@pytest.fixture
def cache(tmp_path):
    return FolderCache(CacheFolder.at(str(tmp_path), limit_bytes=10**8))


def runner(dataset, cache, *, rungs=RUNGS):
    stage = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters=FIELDS)
    recipe = Recipe(stages=(stage,), training=TrainingSettings(epochs=4, batch_size=32), seed=3)
    return StageRunner(recipe, dataset, CPU, cache, rungs)


def weights(compressed):
    return torch.cat([tensor.flatten().double() for tensor in compressed.model.state_dict().values()])


def test_paused_fit_ends_in_the_network_of_one_that_did_not(dataset, cache):
    whole = runner(dataset, NoCache(), rungs=())
    expected = weights(whole.run())
    spent = 0
    for rung in RUNGS:
        paused = runner(dataset, cache)
        assert paused.pause(rung)
        assert set(paused.scores) == {epoch for epoch in RUNGS if epoch <= rung}
        spent += paused.epochs_trained
    last = runner(dataset, cache)
    assert torch.equal(weights(last.run()), expected)
    assert spent + last.epochs_trained == whole.epochs_trained == 4
    assert set(last.scores) == set(RUNGS)
    assert all(0.1 < accuracy <= 1 for accuracy in last.scores.values())


def test_a_fit_that_is_in_the_cache_is_not_paused(dataset, cache):
    runner(dataset, cache, rungs=()).run()
    again = runner(dataset, cache)
    assert not again.pause(1)
    assert again.epochs_trained == 0


def test_a_second_trial_with_the_same_network_pauses_for_free(dataset, cache):
    runner(dataset, cache).pause(2)
    second = runner(dataset, cache)
    assert second.pause(1)
    assert second.epochs_trained == 0
    assert set(second.scores) == set(RUNGS)


def test_without_a_cache_a_promoted_trial_trains_from_the_start(dataset):
    paused, last = runner(dataset, NoCache()), runner(dataset, NoCache())
    assert paused.pause(2)
    last.run()
    assert (paused.epochs_trained, last.epochs_trained) == (2, 4)
