"""Functions become modules where the answers stay, and the network stays where they would not."""

import copy
import io
import re
from collections import Counter

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.network.named_operators import name_operators
from automl.network.operators import Concatenation, MatrixProduct, Product, Sum
from automl.network.skeleton import skeleton
from automl.testing.networks import CLASSES, NETWORKS, SHAPE


class Written(nn.Module):
    """A small network whose forward pass is given as a function.

    Args:
        run: From the network and the images to features (N, 8, …).
    """

    def __init__(self, run) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(SHAPE.channels, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.classifier = nn.LazyLinear(CLASSES)
        self.run = run

    def forward(self, images: Tensor) -> Tensor:
        values = self.run(self, self.first(images))
        return self.classifier(values.flatten(1))


class Swish(nn.Module):
    """An activation of one's own that calls two functions."""

    def forward(self, values: Tensor) -> Tensor:
        return values * torch.sigmoid(values)


class Gated(nn.Module):
    """Calls an activation of its own class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act, self.fc = nn.Conv2d(SHAPE.channels, 8, 3), Swish(), nn.Linear(800, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.act(self.conv(images)), 1))


def in_place(network: Written, values: Tensor) -> Tensor:
    values = functional.relu(values, inplace=True)
    values += network.second(values)
    return values


def shuffled(_network: Written, values: Tensor) -> Tensor:
    count, channels, height, width = values.size()
    values = values.view(count, 2, channels // 2, height, width).transpose(1, 2).contiguous()
    left, right = values.view(count, -1, height, width).chunk(2, dim=1)
    return torch.cat((functional.relu(left), right), 1)


def attended(_network: Written, values: Tensor) -> Tensor:
    pixels = values.flatten(2)
    return torch.softmax(pixels.transpose(1, 2) @ pixels, -1)


def images(count: int = 6) -> Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(0))


def network(run) -> nn.Module:
    torch.manual_seed(0)
    made = Written(run)
    made(images())
    return made.eval()


WRITTEN = [
    (lambda _, x: functional.relu(x), nn.ReLU),
    (lambda _, x: x.relu(), nn.ReLU),
    (lambda _, x: torch.relu(x), nn.ReLU),
    (lambda _, x: functional.relu6(x), nn.ReLU6),
    (lambda _, x: x.clamp(0, 6), nn.ReLU6),
    (lambda _, x: torch.clamp(x, min=0), nn.ReLU),
    (lambda _, x: functional.hardswish(x), nn.Hardswish),
    (lambda _, x: functional.silu(x, inplace=True), nn.SiLU),
    (lambda _, x: functional.gelu(x, approximate="tanh"), nn.GELU),
    (lambda _, x: functional.leaky_relu(x, 0.2), nn.LeakyReLU),
    (lambda _, x: torch.sigmoid(x), nn.Sigmoid),
    (lambda _, x: x.tanh(), nn.Tanh),
    (lambda network, x: x + network.second(x), Sum),
    (lambda network, x: torch.add(x, network.second(x)), Sum),
    (lambda network, x: x * network.second(x).sigmoid(), Product),
    (lambda network, x: torch.cat([x, network.second(x)], dim=1), Concatenation),
    (lambda _, x: functional.max_pool2d(x, 2), nn.MaxPool2d),
    (lambda _, x: functional.avg_pool2d(x, (x.shape[2], x.shape[3])), nn.AvgPool2d),
    (lambda _, x: functional.adaptive_avg_pool2d(x, (2, 2)), nn.AdaptiveAvgPool2d),
    (lambda _, x: x.mean((2, 3)), nn.AdaptiveAvgPool2d),
    (lambda _, x: torch.mean(x, dim=[-1, -2], keepdim=True), nn.AdaptiveAvgPool2d),
    (attended, MatrixProduct),
    (in_place, Sum),
    (shuffled, Concatenation),
]


@pytest.mark.parametrize(("run", "kind"), WRITTEN)
def test_function_becomes_a_module_with_the_same_answers(run, kind):
    model = network(run)
    named = name_operators(model, images())
    assert not named.refusal
    assert Counter(map(type, named.model.modules()))[kind] == 1 + Counter(map(type, model.modules()))[kind]
    for count in (1, 5):
        torch.testing.assert_close(named.model(images(count)), model(images(count)))


@pytest.mark.parametrize("make", NETWORKS)
def test_network_of_modules_is_given_back_as_it_is(make):
    model = make()
    named = name_operators(model, images())
    assert named.model is model
    assert not named.refusal


def test_sizes_of_images_are_computed_no_more():
    graph = name_operators(network(shuffled), images()).model.graph
    called = {str(node.target) for node in graph.nodes if node.op in {"call_function", "call_method"}}
    assert not called & {"size", "<built-in function floordiv>", "<built-in function mul>"}


def test_layers_keep_their_names_and_weights():
    model = network(in_place)
    named = dict(name_operators(model, images()).model.named_parameters())
    assert named.keys() == dict(model.named_parameters()).keys()
    assert all(torch.equal(weight, named[name]) for name, weight in model.named_parameters())


def test_activation_of_ones_own_is_entered():
    named = name_operators(Gated(), images()).model
    assert {name for name, _ in named.named_modules() if name.startswith("act.")} == {"act.sigmoid", "act.mul"}


@pytest.mark.parametrize("is_off_in_training", [False, True])
def test_dropout_goes_on_as_it_did_in_training(is_off_in_training):
    def run(network: Written, values: Tensor) -> Tensor:
        return functional.dropout(functional.relu(values), 0.5, network.training and not is_off_in_training)

    model = name_operators(network(run), images()).model
    assert torch.equal(model(images()), model(images()))
    model.train()
    assert torch.equal(model(images()), model(images())) == is_off_in_training


def test_rewritten_network_can_be_copied_and_pickled():
    model = name_operators(network(shuffled), images()).model
    content = io.BytesIO()
    torch.save(model, content)
    content.seek(0)
    for other in (copy.deepcopy(model), torch.load(content, weights_only=False)):
        torch.testing.assert_close(other(images()), model(images()))


def test_networks_that_call_their_modules_in_another_order_have_another_skeleton():
    one = name_operators(network(lambda self, x: functional.relu(x) + self.second(x)), images()).model
    other = name_operators(network(lambda self, x: functional.relu(self.second(x)) + x), images()).model
    assert skeleton(one) is not None
    assert skeleton(one) != skeleton(other)


def reads_what_it_overwrote(_network: Written, values: Tensor) -> Tensor:
    return functional.relu(values, inplace=True) - 2 * values


def decides_by_values(_network: Written, values: Tensor) -> Tensor:
    return functional.relu(values) if values.sum() > 0 else values


def trains_otherwise(network: Written, values: Tensor) -> Tensor:
    return functional.relu(values) if network.training else functional.relu(values).square()


@pytest.mark.parametrize(
    ("run", "refusal"),
    [
        (reads_what_it_overwrote, "its logits lie .* of their spread apart"),
        (decides_by_values, "torch.fx cannot trace Written itself, at .*: `values = self.run"),
        (trains_otherwise, "something else while it trains"),
    ],
)
def test_network_stays_where_a_rewrite_is_not_certain(run, refusal):
    model = network(run)
    named = name_operators(model, images())
    assert named.model is model
    assert re.search(refusal, named.refusal)
