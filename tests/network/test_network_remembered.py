"""What a network remembers of its training is found, and forgotten before the network is copied."""

import copy

import pytest
import torch
from torch import nn

from automl.network.remembered import forget_graphs, remembers_graph


class Keeping(nn.Module):
    """Keeps its features, as a hook would.

    Args:
        always: Whether it does so in evaluation, too.
    """

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.layer, self.always, self.features = nn.Linear(4, 4), always, {}

    def forward(self, values):
        values = self.layer(values)
        if self.training or self.always:
            self.features = {"seen": [values]}
        return values


class Moving(nn.Module):
    """Keeps a mean with its gradients in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, values):
        values = self.layer(values)
        self.mean = 0.9 * self.mean + 0.1 * values.mean(0)
        return values


def trained(network):
    network.train()(torch.ones(2, 4))
    return network.eval()


@pytest.mark.parametrize(
    ("network", "where"),
    [
        (nn.Sequential(Keeping(always=True)), "module '0', a Keeping, in attribute 'features'"),
        (Moving(), "Moving in attribute 'mean'"),
        (nn.Linear(4, 4), None),
    ],
)
def test_the_attribute_that_keeps_a_computed_tensor_is_named(network, where):
    assert remembers_graph(network) is None
    assert remembers_graph(trained(network)) == where


def test_a_network_that_has_forgotten_can_be_copied():
    network = trained(Keeping(always=True))
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(network)
    forget_graphs(network.train(), torch.ones(1, 4))
    assert network.training
    assert len(copy.deepcopy(network).features["seen"][0]) == 1


def test_a_network_that_remembers_nothing_is_not_run():
    network = trained(Keeping(always=False))
    network.features = {}
    network.layer.register_forward_hook(lambda *_: pytest.fail("it ran"))
    forget_graphs(network, torch.ones(1, 4))
