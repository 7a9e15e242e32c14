"""Networks inherit their part of a supernet that is trained once, and learn faster for it."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.pipeline.stages import StageRunner
from automl.training.predict import predict
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.architectures.darts import Darts
from automl_plugins.architectures.gumbel_darts import GumbelDarts
from automl_plugins.architectures.random_one_shot import RandomOneShot
from automl_plugins.nni.supernet import inherit

CPU = torch.device("cpu")
SUPERNET = {"widest": 16, "supernet_epochs": 4}
NETWORK = {"depth": 3, "width_1": 8, "width_2": 16, "width_3": 16}

each_kind = pytest.mark.parametrize("kind", [RandomOneShot, Darts, GumbelDarts])


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("digits")


@pytest.fixture
def context(dataset):
    torch.set_num_threads(1)
    recipe = Recipe(stages=(), training=TrainingSettings(batch_size=64), seed=0)
    return StageRunner(recipe, dataset, CPU).context()


def score(model, dataset):
    logits = predict(model, dataset.validation.images, normalization=dataset.normalization, device=CPU)
    return dataset.task.score(logits, dataset.validation.labels)


@pytest.mark.slow
@each_kind
def test_a_network_that_inherits_is_ahead_after_one_epoch(kind, context, dataset):
    scores = {}
    for name, technique in {"scratch": ConvNet(**NETWORK), "inherits": kind(**NETWORK, **SUPERNET)}.items():
        torch.manual_seed(0)
        network = technique.build(context)
        context.fit(network, epochs=1, learning_rate=0.005)
        scores[name] = score(network, dataset)
    assert scores["inherits"] > scores["scratch"] + 0.1


@each_kind
def test_the_supernet_is_asked_for_once_by_one_name_for_all_networks_of_a_depth(kind, context):
    made = {}

    def once(name, make):
        made.setdefault(name, make())
        return made[name]

    small = {"widest": 16, "supernet_epochs": 1}
    shared = replace(context, once=once)
    for width, activation in [(8, "relu"), (16, "gelu")]:
        network = kind(depth=2, width_1=width, width_2=8, activation=activation, **small).build(shared)
        (supernet,) = made.values()
        kernel = supernet.get_submodule("stages.0.conv").weight
        assert torch.equal(network.get_submodule("stages.0.conv").weight, kernel[:width, :, 1:4, 1:4])


@each_kind
def test_a_network_that_is_wider_than_the_supernet_is_infeasible(kind, context):
    with pytest.raises(InfeasibleError, match=r"24 channels is wider than the supernet.*16.*widest"):
        kind(depth=2, width_1=24, width_2=8, widest=16).build(context)


def test_inherited_are_the_first_channels_and_the_middle_of_the_kernels():
    larger, smaller = nn.Conv2d(4, 6, 5), nn.Conv2d(2, 3, 3)
    inherit(smaller, dict(larger.state_dict()))
    assert torch.equal(smaller.weight, larger.weight[:3, :2, 1:4, 1:4])
    assert torch.equal(smaller.bias, larger.bias[:3])
