"""A network that is handed over is copied, and known by all that decides what it answers."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from automl.network.handed_over import hand_over, handed_over, network_sha256, networks_among
from automl.testing import networks


class Net(nn.Module):
    def __init__(self, *, doubles=False, bias=0.0):
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.doubles = doubles
        with torch.no_grad():
            self.linear.weight.fill_(0.5)
            self.linear.bias.fill_(bias)

    def forward(self, x):
        y = self.linear(x.flatten(1))
        return 2 * y if self.doubles else y


def shifted(x):
    return x + 1


class Calling(Net):
    def forward(self, x):
        return shifted(super().forward(x))


def test_the_same_network_has_the_same_hash_and_any_other_another():
    frozen = Net()
    frozen.linear.weight.requires_grad_(False)
    hashes = [network_sha256(each) for each in (Net(), Net(doubles=True), Net(bias=1.0), Calling(), frozen)]
    assert len(set(hashes)) == len(hashes)
    assert network_sha256(Net()) == hashes[0]
    assert network_sha256(Net().eval()) == hashes[0], "the mode is set by whoever runs it"


def test_other_code_is_another_network(monkeypatch):
    before = network_sha256(Net()), network_sha256(Calling())
    monkeypatch.setitem(globals(), "shifted", lambda x: x + 2)
    assert network_sha256(Calling()) != before[1], "a function that it calls"
    monkeypatch.setattr(Net, "forward", lambda self, x: -self.linear(x.flatten(1)))
    assert network_sha256(Net()) != before[0]


def test_every_process_finds_the_same_hash():
    script = (
        "import torch; from automl.testing import networks; from automl.network.handed_over import network_sha256\n"
        "torch.manual_seed(0); print(network_sha256(networks.residual()))"
    )
    found = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    torch.manual_seed(0)
    assert found == {f"{network_sha256(networks.residual())}\n"}


def test_what_was_handed_over_stays_as_it_was():
    network = Net()
    key = hand_over(network)
    assert key.startswith("Net-")
    with torch.no_grad():
        network.linear.weight.fill_(7.0)
    first = handed_over(key)
    assert first.linear.weight.unique().item() == 0.5
    with torch.no_grad():
        first.linear.weight.fill_(9.0)
    assert handed_over(key).linear.weight.unique().item() == 0.5
    assert networks_among([1, "none", key]).keys() == {key}
    assert handed_over("Net-0000000000000000") is None


@pytest.mark.filterwarnings("ignore:.*torch.nn.utils.weight_norm.*:FutureWarning")
def test_a_network_that_torch_cannot_copy_is_copied_too():
    network = Net()
    nn.utils.weight_norm(network.linear)
    network(torch.ones(1, 4)).sum().backward()
    with pytest.raises(RuntimeError):
        copy.deepcopy(network)
    copied = handed_over(hand_over(network))
    assert torch.equal(copied(torch.ones(1, 4)), network(torch.ones(1, 4)))
