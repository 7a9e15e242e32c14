"""A teacher is found, trained once, and takes part in the fits that the distiller names."""

import pytest
import torch
from torch import nn

from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.pipeline.stage_cache import FolderCache, NoCache
from automl.pipeline.stages import StageRunner
from automl.spaces.load import load_space
from automl.storage.cache import CacheFolder

SPACE = """
architecture: {conv_net: {depth: [2, 3], width_1: [8, 16], width_2: [8, 16], width_3: 24, kernel: 3, activation: relu}}
training: {epochs: 2, learning_rate: 0.02, max_train_images: 200}
pruner: {none: , l1_norm: {recovery_epochs: 1}}
sparsity: {level: 0.5, slope: 0}
quantizer: {none: , ptq: , qat: {epochs: 2}}
weight_bits: {level: 4, slope: 0}
distiller:
  none:
  dynamic_layerwise: {fits: [all, train, compress], weight: 0.5, loss: kl, temperature: 2.0}
  adaptive1d_layerwise: {weight: 0.5, temperature: 2.0, features_weight: 1.0}
"""
STUDENT = {"conv_net.depth": 2, "conv_net.width_1": 8, "conv_net.width_2": 8, "pruner": "none", "quantizer": "none"}
TAUGHT = {**STUDENT, "distiller": "dynamic_layerwise", "dynamic_layerwise.fits": "all"}
WHOLE = {**TAUGHT, "pruner": "l1_norm", "quantizer": "qat"}
EPOCHS = 2


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("digits")


@pytest.fixture
def cache(tmp_path) -> FolderCache:
    return FolderCache(CacheFolder.at(str(tmp_path), limit_bytes=10**8))


@pytest.fixture
def runner(tmp_path, dataset):
    def runner(point, *, teacher="largest", cache=None, seed=1) -> StageRunner:
        file = tmp_path / "space.yaml"
        file.write_text(f"{SPACE}teacher: {teacher}\n", encoding="utf-8")
        recipe = load_space(str(file)).recipe(point, seed=seed)
        return StageRunner(recipe, dataset, torch.device("cpu"), cache or NoCache())

    return runner


def equal(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(left == right and torch.equal(a, b) for (left, a), (right, b) in pairs)


def test_teacher_is_trained_once_for_many_trials(runner, cache):
    points = [TAUGHT, WHOLE, {**STUDENT, "distiller": "adaptive1d_layerwise"}, {**TAUGHT, "conv_net.width_1": 16}]
    runners = [runner(point, cache=cache) for point in points]
    for each in runners:
        each.run()
        assert each.seconds["teacher"] > 0
    assert [each.cached["teacher"] for each in runners] == [False, True, True, True]
    assert [each.epochs_trained for each in runners] == [2 * EPOCHS, 1 + 2, EPOCHS, EPOCHS]


def test_trial_that_is_cached_as_a_whole_needs_no_teacher(runner, cache):
    runner(WHOLE, cache=cache).run()
    again = runner(WHOLE, cache=cache)
    again.run()
    assert "teacher" not in again.seconds
    assert again.epochs_trained == 0


def test_trial_with_the_network_of_the_teacher_shares_its_training(runner, cache):
    runner(TAUGHT, cache=cache).run()
    same = runner(
        {**STUDENT, "conv_net.depth": 3, "conv_net.width_1": 16, "conv_net.width_2": 16, "distiller": "none"},
        cache=cache,
    )
    same.run()
    assert same.cached == {"fit": True}


@pytest.mark.slow
@pytest.mark.parametrize("distiller", ["dynamic_layerwise", "adaptive1d_layerwise"])
def test_same_seed_gives_the_same_network_with_and_without_the_cache(runner, cache, distiller):
    point = {**WHOLE, "distiller": distiller}
    runner({**point, "quantizer": "ptq"}, cache=cache).run()
    networks = [runner(point).run(), runner(point).run(), runner(point, cache=cache).run()]
    assert equal(networks[0].model, networks[1].model)
    assert equal(networks[0].model, networks[2].model)
    assert networks[0].quantization == networks[2].quantization
    assert not equal(networks[0].model, runner(point, seed=2).run().model)


def test_distiller_takes_part_in_the_fits_that_it_names(runner):
    def steps(fits: str) -> list[nn.Module]:
        point = {
            **WHOLE,
            "dynamic_layerwise.fits": fits,
            "distiller": "none" if fits == "none" else "dynamic_layerwise",
        }
        return [runner({**point, "quantizer": "none", "pruner": pruner}).run().model for pruner in ("none", "l1_norm")]

    alone_fit, alone_pruned = steps("none")
    train_fit, train_pruned = steps("train")
    all_fit, all_pruned = steps("all")
    assert not equal(train_fit, alone_fit)
    assert equal(train_fit, all_fit)
    assert not equal(train_pruned, all_pruned)
    compressed = runner({**WHOLE, "dynamic_layerwise.fits": "compress", "quantizer": "none"}).run().model
    assert not equal(compressed, alone_pruned)
    assert not equal(compressed, all_pruned)


def test_distiller_that_would_train_nothing_is_infeasible_before_anything_is_trained(runner):
    idle = runner({**TAUGHT, "dynamic_layerwise.fits": "compress"})
    with pytest.raises(InfeasibleError, match="'dynamic_layerwise' is to take part in compression alone, and nothing"):
        idle.run()
    assert idle.epochs_trained == 0


def build_perceptron() -> nn.Module:
    """Give a network of the user's own, as a callable would: trained, with 10 classes."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))


def build_for_three_classes() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


def test_teacher_by_callable_is_used_as_it_is(runner, monkeypatch):
    taught = runner(TAUGHT, teacher=f"{__name__}:build_perceptron")
    assert taught.recipe.teacher == Teacher(
        candidates=(
            StageRecipe(
                stage=Stage.ARCHITECTURE, technique="python", hyperparameters={"target": f"{__name__}:build_perceptron"}
            ),
        ),
        is_trained=True,
    )
    found = taught.run().model
    assert taught.epochs_trained == EPOCHS
    assert not equal(found, runner(TAUGHT).run().model)
    silent = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    monkeypatch.setitem(globals(), "build_perceptron", lambda: silent)
    assert not equal(found, runner(TAUGHT, teacher=f"{__name__}:build_perceptron").run().model)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (
            f"{__name__}:build_for_three_classes",
            r"nobody can teach: .*the shape \(2, 3\), not \(2, 10\).*another teacher",
        ),
        ("no_such_module:make", "model 'no_such_module:make' cannot be imported"),
    ],
)
def test_teacher_that_does_not_fit_is_infeasible(runner, teacher, message):
    with pytest.raises(InfeasibleError, match=message):
        runner(TAUGHT, teacher=teacher).run()


def test_of_several_architectures_the_one_with_the_most_parameters_teaches(dataset):
    small, large = (
        StageRecipe(
            stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters={"depth": 2, "width_1": width, "width_2": 8}
        )
        for width in (8, 32)
    )
    distiller = StageRecipe(stage=Stage.DISTILLER, technique="dynamic_layerwise", hyperparameters={})

    def network(*candidates: StageRecipe) -> nn.Module:
        teacher = Teacher(candidates=candidates)
        recipe = Recipe(
            stages=(small, distiller),
            training=TrainingSettings(epochs=1, max_train_images=200),
            seed=0,
            teacher=teacher,
        )
        return StageRunner(recipe, dataset, torch.device("cpu")).run().model

    unbuildable = large.model_copy(update={"technique": "torchvision", "hyperparameters": {"model": "no_such_network"}})
    expected = network(large)
    assert equal(network(small, large), expected)
    assert equal(network(large, small), expected)
    assert equal(network(unbuildable, large), expected)
    assert not equal(network(small), expected)
