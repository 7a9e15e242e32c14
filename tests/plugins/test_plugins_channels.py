"""Whole channels are removed from the networks that people write, or stay, and the answers are those without them."""

import copy
import io
import json
import logging
from pathlib import Path

import branching_networks
import pytest
import torch
import unusual_layers
from torch import fx, nn
from torch.nn import functional

from automl.errors import InfeasibleError
from automl.network.plain import own_copy, plain_weights
from automl.registry import TECHNIQUE, technique_class
from automl.technique import ImageShape, Profile
from automl.testing.context import context
from automl_plugins.pruners.channel_pruner import ChannelPruner

NETWORKS = {make.__name__: make for make in (*branching_networks.NETWORKS, *unusual_layers.NETWORKS)}
HALF = Profile(level=0.5)
PRUNERS = [name for name, plugin in TECHNIQUE.installed().items() if issubclass(plugin.load(), ChannelPruner)]
LAYERS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)

INFEASIBLE = {
    "convnext": r"layers '0\.0', '1\.dw' and '2\.dw' \(native_layer_norm in module '1\.n' averages over them\)",
    "mlp": "the network has no convolution",
}
KEPT_WHOLE = {
    "Cbam": {"a.0": "mean in the forward pass runs over them"},
    "Attention": {"b.0": "native_multi_head_attention in module 'm' mixes them"},
    "SoftmaxPool": {"a.0": "softmax in the forward pass runs over them"},
    "eca": {"0.0": "they all go together"},
    "group_norm_one": {"0": "layer '1' averages over all of them"},
    "layer_norm2d": {"0": "native_layer_norm in module '1' averages over them"},
    "squeezenet": {"2": "makes the logits"},
    "weight_standardisation": {"0": "without them, the logits are "},
}
"""Layers that keep all channels, and why; all others of these networks lose half of theirs."""

LOSE_LESS = {
    "Cbam": {"s": 1},
    "Inception": {"b2.1.0": 8, "b3.0": 4},
    "OptionA": {"c2": 24},
    "SliceConst": {"part.0": 4},
    "SpatialGate": {"g": 1},
}
"""Channels of layers that keep more than half: what else is tied stays, or a multiple of four."""


def pruner(name, **fields):
    return technique_class(name).model_validate({"recovery_epochs": 0, **fields})


def network(name):
    """Build a network in which no number is the same as another."""
    torch.manual_seed(1)
    model = own_copy(NETWORKS[name](), context().calibration).eval()
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor).mul_(0.1).add_(0.01))
    return model


def masked(before, pruned):
    """Set to zero what a pruned network lacks, found by its numbers, each of which occurs once."""
    zeroed = copy.deepcopy(plain_weights(before, context().calibration))
    for name, layer in zeroed.named_modules():
        if isinstance(layer, (*LAYERS, *NORMS)) and getattr(layer, "weight", None) is not None:
            own = pruned.get_submodule(name).weight.detach().flatten()
            stays = torch.isin(layer.weight.detach(), own)
            layer.weight.data *= stays
            if layer.bias is not None:
                made = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
                layer.bias.data *= stays.movedim(made, 0).flatten(1).any(1) if stays.dim() > 1 else stays
    return zeroed


def answers(model):
    with torch.no_grad():
        return model.eval()(context().calibration[:32])


def widths(model):
    return {name: module.out_channels for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def expected_widths(name):
    half = {layer: max(width // 2, 1) for layer, width in widths(NETWORKS[name]()).items()}
    whole = {layer: widths(NETWORKS[name]())[layer] for layer in KEPT_WHOLE.get(name, ())}
    return half | whole | LOSE_LESS.get(name, {})


@pytest.mark.parametrize("method", ["l1_norm", "fpgm"])
@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - INFEASIBLE.keys()))
def test_a_pruned_network_answers_as_with_zeros_in_the_place_of_its_channels(name, method):
    model, used = network(name), pruner(method)
    before = copy.deepcopy(model)
    used.check(network(name), HALF, context())
    pruned = used.prune(model, HALF, context())
    assert widths(pruned) == expected_widths(name)
    expected = answers(masked(before, pruned))
    assert expected.std() > 0
    torch.testing.assert_close(answers(pruned), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - INFEASIBLE.keys()))
def test_a_pruned_network_is_copied_stored_and_trained(name):
    pruned = pruner("l1_norm").prune(network(name), HALF, context())
    stored = io.BytesIO()
    torch.save(pruned, stored)
    stored.seek(0)
    loaded = torch.load(stored, weights_only=False)
    torch.testing.assert_close(answers(loaded), answers(pruned))
    loaded.train()
    loaded(context().calibration[:8]).sum().backward()


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - INFEASIBLE.keys()))
def test_the_shape_is_known_before_training(name):
    shrunk = pruner("l1_norm").shrunk(network(name), HALF, context())
    assert widths(shrunk) == expected_widths(name)
    assert answers(shrunk).shape == answers(network(name)).shape


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted({*PRUNERS, "agp", "linear"} - {"l1_norm", "fpgm"}))
@pytest.mark.parametrize("name", ["Recurrent", "CatInResidual", "ChunkSplit", "OptionA", "LenetView", "pixel_shuffle"])
def test_every_pruner_of_channels_removes_as_many(name, method):
    short = {field: 1 for field in technique_class(method).model_fields if field in {"epochs", "updates"}}
    pruned = pruner(method, **short).prune(network(name), HALF, context())
    assert widths(pruned) == expected_widths(name)


@pytest.mark.parametrize("method", ["l1_norm", "agp"])
@pytest.mark.parametrize(("name", "reason"), INFEASIBLE.items())
def test_where_nothing_can_be_removed_the_network_is_refused_before_training(name, reason, method):
    with pytest.raises(InfeasibleError, match=f"{reason}.*; prune single weights with 'level' or 'movement'"):
        pruner(method).check(network(name), HALF, context())


@pytest.mark.parametrize("name", KEPT_WHOLE)
def test_layers_that_keep_all_channels_are_named_with_the_reason(name, caplog):
    with caplog.at_level(logging.WARNING):
        pruner("l1_norm").prune(network(name), HALF, context())
    assert len(caplog.messages) == 1
    for layer, reason in KEPT_WHOLE[name].items():
        assert f"layer '{layer}' ({reason}" in caplog.messages[0]


@pytest.mark.parametrize("name", ["Recurrent", "LenetView", "c2f", "conv_same"])
def test_nothing_is_said_where_all_layers_lose_channels(name, caplog):
    with caplog.at_level(logging.WARNING):
        pruner("l1_norm").prune(network(name), HALF, context())
    assert caplog.messages == []


def test_a_multiple_that_leaves_all_channels_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        pruner("l1_norm", channel_multiple=64).prune(network("Recurrent"), HALF, context())
    assert caplog.messages == [
        "no channel is removed: rounded to a multiple of 64, every layer keeps all of its channels"
    ]


def test_layers_of_derived_classes_are_asked_for():
    asked = pruner("l1_norm").asked_channels(network("conv_same"), HALF, context())
    assert asked == {"0": 8.0, "2": 16.0}


def test_what_goes_together_goes_by_the_sum_of_its_scores():
    """A pixel shuffle makes one channel of four: the four with the smallest weights in sum go."""
    model = network("pixel_shuffle")
    weight = model[1].weight.detach().clone()
    pruned = pruner("l1_norm").prune(model, HALF, context())
    kept = weight.abs().sum((1, 2, 3)).reshape(16, 4).sum(1).topk(8).indices.sort().values
    columns = torch.tensor([torch.isin(weight[:, i], pruned[1].weight).any() for i in range(16)])
    assert torch.equal(pruned[1].weight, weight.reshape(16, 4, 16, 3, 3)[kept].reshape(32, 16, 3, 3)[:, columns])


def test_a_layer_that_reads_a_part_is_left_some_of_it():
    model = network("SplitConst")
    model.stem[0].weight.data[:8] *= 100  # the other half goes first, which another layer reads
    before = copy.deepcopy(model)
    pruned = pruner("l1_norm").prune(model, HALF, context())
    assert widths(pruned) == expected_widths("SplitConst")
    assert pruned.get_submodule("right.0").in_channels == 1
    torch.testing.assert_close(answers(pruned), answers(masked(before, pruned)), rtol=1e-4, atol=1e-4)


def test_dropout_of_a_rewritten_forward_pass_is_that_of_the_network():
    pruned = pruner("l1_norm").prune(network("MnistView"), HALF, context())
    assert isinstance(pruned, fx.GraphModule)
    images = context().calibration[:8]
    assert torch.equal(pruned.eval()(images), pruned(images))
    assert not torch.equal(pruned.train()(images), pruned(images))


class TrainedOtherwise(branching_networks.LenetView):
    """A constant in the forward pass, and another pass in training: no trace has both."""

    def forward(self, x):
        return super().forward(functional.pad(x, (1, 1, 1, 1))[..., 1:-1, 1:-1] if self.training else x)


class Decides(branching_networks.LenetView):
    """A constant in the forward pass, which torch.fx cannot trace."""

    def forward(self, x):
        return super().forward(x if x.sum() > 0 else x * 1)


@pytest.mark.parametrize("kind", [TrainedOtherwise, Decides])
def test_a_layer_before_a_constant_that_cannot_follow_keeps_its_channels(kind, caplog):
    model = kind().eval()
    before = copy.deepcopy(model)
    with caplog.at_level(logging.WARNING):
        pruned = pruner("l1_norm").prune(model, HALF, context())
    assert type(pruned) is kind
    assert widths(pruned) == {"c1": 4, "c2": 16}
    assert "layer 'c2' (the forward pass does not work with fewer of them (RuntimeError: " in caplog.messages[0]
    torch.testing.assert_close(answers(pruned), answers(masked(before, pruned)))


def test_a_share_that_cannot_be_counted_in_binary_removes_as_many_channels():
    for channels in (29, 49, 50, 98):
        model = nn.Sequential(nn.Conv2d(3, channels, 1), nn.ReLU(), *branching_networks.head(channels))
        for kept in range(1, channels, 5):
            sparsity = Profile(level=1 - kept / channels)
            pruned = pruner("l1_norm", channel_multiple=1).prune(copy.deepcopy(model), sparsity, context())
            assert widths(pruned) == {"0": kept}


RECORDED = json.loads((Path(__file__).parent / "recorded_widths.json").read_text())


@pytest.mark.parametrize("architecture", RECORDED)
def test_shipped_architectures_keep_the_widths_of_older_studies(architecture):
    given = context(ImageShape(1, 8, 8))
    for case in RECORDED[architecture]:
        model = technique_class(architecture).model_validate(case["fields"]).build(given)
        used = pruner("l1_norm", channel_multiple=case["channel_multiple"])
        sparsity = Profile(level=case["level"], slope=case["slope"], high=0.9)
        assert used.asked_channels(model, sparsity, given) == case["asked"]
        assert widths(used.shrunk(copy.deepcopy(model), sparsity, given)) == case["kept"]
        assert widths(used.prune(model, sparsity, given)) == case["kept"]
