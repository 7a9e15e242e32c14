"""Weights that are computed at each call: torch's old hooks, which forbid copies, and its parametrizations."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from automl.network.plain import own_copy, plain_weights

IMAGES = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
OLD = [nn.utils.weight_norm, nn.utils.spectral_norm]
NEW = [parametrizations.weight_norm, parametrizations.spectral_norm, parametrizations.orthogonal]
pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")


def network(computed):
    return nn.Sequential(
        computed(nn.Conv2d(3, 8, 3)),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        computed(nn.Linear(8, 5)),
    )


def trained(model):
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        model.train()(torch.randn(8, 3, 8, 8)).square().sum().backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("computed", OLD + NEW)
def test_a_copy_answers_and_learns_like_the_original_and_can_be_copied_again(computed):
    original = trained(network(computed))
    with torch.no_grad():
        expected = original(IMAGES)
    made = own_copy(original, IMAGES)
    with torch.no_grad():
        torch.testing.assert_close(made.eval()(IMAGES), expected)
    again = copy.deepcopy(trained(made))
    assert not torch.allclose(again.eval()(IMAGES), expected)
    with torch.no_grad():
        torch.testing.assert_close(original(IMAGES), expected)


@pytest.mark.parametrize("computed", OLD + NEW)
def test_plain_weights_answer_like_the_computed_ones_and_pickle(computed):
    model = trained(own_copy(network(computed), IMAGES))
    plain = plain_weights(model, IMAGES)
    assert [type(plain[0]), type(plain[5])] == [nn.Conv2d, nn.Linear]
    assert not any(parametrize.is_parametrized(module) for module in plain.modules())
    torch.testing.assert_close(pickle.loads(pickle.dumps(plain))(IMAGES), model(IMAGES))  # noqa: S301 # our own bytes
    assert parametrize.is_parametrized(model[0])
    assert plain[0].weight.requires_grad


def test_a_frozen_parametrization_becomes_a_frozen_weight():
    model = network(parametrizations.weight_norm).requires_grad_(requires_grad=False)
    assert not plain_weights(model, IMAGES)[0].weight.requires_grad


def test_a_network_without_computed_weights_is_not_copied():
    model = network(lambda layer: layer)
    assert plain_weights(model, IMAGES) is model


def test_lazy_modules_get_their_shapes_in_the_copy_alone():
    lazy = nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(5))
    made = own_copy(lazy, IMAGES)
    assert made[2].weight.shape == (5, 8 * 36)
    assert nn.parameter.is_lazy(lazy[2].weight)


class Doubled(nn.Module):
    """Gives twice the weight while it is watched: to compute it once changes the network."""

    def forward(self, weight):
        return weight * (2 if parametrize._cache_enabled == 0 else 1) * torch.rand(())


def test_weights_that_change_from_call_to_call_stay_computed():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 5))
    parametrize.register_parametrization(model[1], "weight", Doubled())
    assert plain_weights(model, IMAGES) is model
