"""Pruners remove what is asked, by group, and what they remove stays away."""

import copy

import pytest
import torch
from torch import nn

from automl.network.folding import fold_batch_norm
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Profile, Pruner, Quantizer, Stage
from automl.testing.context import context, logits, split, trained
from automl.testing.networks import depthwise, plain, residual
from automl_plugins.pruners.channel_pruner import ChannelPruner
from automl_plugins.pruners.channels.layouts import channel_layout
from automl_plugins.pruners.channels.removals import kept_channels

CHANNEL_PRUNERS = [name for name, plugin in TECHNIQUE.installed().items() if issubclass(plugin.load(), ChannelPruner)]
WITHOUT_TRAINING = [
    name for name in CHANNEL_PRUNERS if "scoring_learning_rate" not in TECHNIQUE.installed()[name].load().model_fields
]
QUANTIZERS = [name for name, plugin in TECHNIQUE.installed().items() if plugin.load().stage is Stage.QUANTIZER]
GROUPS = {
    plain: [["0.conv"], ["2.conv"]],
    depthwise: [["0.conv", "1.conv"], ["2.conv"]],
    residual: [["stem.conv", "second.conv"], ["first.conv"]],
}


def prune(name: str, model: nn.Module, sparsity: Profile, **fields: float) -> nn.Module:
    used = technique_class(name).model_validate(fields)
    assert isinstance(used, Pruner)
    return used.prune(model, sparsity, context())


def widths(model: nn.Module) -> dict[str, int]:
    return {name: module.out_channels for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def zeros(model: nn.Module) -> dict[str, torch.Tensor]:
    layers = ((name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear))
    return {name: module.weight == 0 for name, module in layers}


def accuracy(model: nn.Module) -> float:
    return float((logits(model).argmax(1) == torch.tensor(split().labels)).float().mean())


@pytest.mark.parametrize("network", list(GROUPS), ids=lambda made: made.__name__)
def test_layers_that_must_keep_the_same_channels_are_one_group(network):
    assert channel_layout(network().eval(), context().calibration).groups == GROUPS[network]


@pytest.mark.parametrize(
    "sparsity", [Profile(level=0.5), Profile(level=0.5, slope=0.3), Profile(level=0.9), Profile(level=0.3, slope=-0.3)]
)
@pytest.mark.parametrize("multiple", [1, 4, 8])
@pytest.mark.parametrize("network", list(GROUPS), ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", CHANNEL_PRUNERS)
def test_each_group_keeps_the_channels_that_were_asked(name, network, multiple, sparsity):
    model = trained(network)
    before, shares = widths(model), sparsity.values(len(GROUPS[network]))
    pruned = prune(name, model, sparsity, recovery_epochs=0, channel_multiple=multiple)
    asked = {
        layer: max(multiple, multiple * round(before[layer] * (1 - share) / multiple))
        for group, share in zip(GROUPS[network], shares, strict=True)
        for layer in group
    }
    assert widths(pruned) == asked
    assert torch.isfinite(logits(pruned)).all()


@pytest.mark.parametrize("network", list(GROUPS), ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", [*CHANNEL_PRUNERS, "linear", "agp"])
def test_what_was_asked_of_each_layer_is_said_before_rounding(name, network):
    model, sparsity = trained(network), Profile(level=0.4, slope=0.3)
    before, untouched = widths(model), copy.deepcopy(model.state_dict())
    used = technique_class(name).model_validate({"channel_multiple": 8})
    expected = {
        layer: pytest.approx(before[layer] * (1 - share))
        for group, share in zip(GROUPS[network], sparsity.values(len(GROUPS[network])), strict=True)
        for layer in group
    }
    assert used.asked_channels(model, sparsity, context()) == expected
    assert all(torch.equal(untouched[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("name", "fields"), [("level", {}), ("movement", {}), ("agp", {"base": "level"})])
def test_a_pruner_of_single_weights_asks_for_no_channels(name, fields):
    used = technique_class(name).model_validate(fields)
    assert used.asked_channels(trained(plain), Profile(level=0.4), context()) == {}


@pytest.mark.parametrize("name", CHANNEL_PRUNERS)
def test_channels_that_are_fewer_than_the_multiple_stay(name):
    pruned = prune(name, trained(plain), Profile(level=0.9), recovery_epochs=0, channel_multiple=64)
    assert widths(pruned) == {"0.conv": 16, "2.conv": 32}


@pytest.mark.parametrize("name", CHANNEL_PRUNERS)
def test_pruning_nothing_leaves_the_weights_alone(name):
    model = trained(residual)
    pruned = prune(name, copy.deepcopy(model), Profile(level=0.0), recovery_epochs=0)
    assert torch.equal(logits(pruned), logits(model))


def test_l1_norm_keeps_the_channels_with_the_largest_weights():
    model = trained(plain)
    weight = model[0].conv.weight.detach().clone()
    kept = weight.abs().sum((1, 2, 3)).topk(8).indices.sort().values
    pruned = prune("l1_norm", model, Profile(level=0.5), recovery_epochs=0)
    assert torch.equal(pruned[0].conv.weight, weight[kept])


def test_fpgm_removes_the_channels_nearest_to_all_others():
    model = trained(plain)
    weight = model[0].conv.weight.detach().clone()
    kept = torch.cdist(weight.flatten(1), weight.flatten(1)).sum(1).topk(8).indices.sort().values
    pruned = prune("fpgm", model, Profile(level=0.5), recovery_epochs=0)
    assert torch.equal(pruned[0].conv.weight, weight[kept])


@pytest.mark.parametrize("network", [plain, depthwise, residual], ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", WITHOUT_TRAINING)
def test_removed_channels_are_those_that_the_rest_computes_without(name, network):
    """Without normalisation, a network with channels removed equals the one with these channels at zero."""
    model = fold_batch_norm(trained(network), context().calibration)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.bias)
    before = copy.deepcopy(model)
    pruned = prune(name, model, Profile(level=0.5), recovery_epochs=0)
    for group in GROUPS[network]:
        kept = _kept(before, pruned, group)
        for layer in group:
            convolution = before.get_submodule(layer)
            removed = torch.ones(convolution.out_channels, dtype=torch.bool)
            removed[kept] = False
            convolution.weight.data[removed] = 0
    torch.testing.assert_close(logits(pruned), logits(before), rtol=1e-4, atol=1e-4)


def _kept(before: nn.Module, pruned: nn.Module, group: list[str]) -> list[int]:
    """Find the channels that stayed by the sums of their weights in the layer that reads images or is depthwise."""
    for layer in group:
        old, new = before.get_submodule(layer).weight, pruned.get_submodule(layer).weight
        if old.shape[1:] == new.shape[1:]:
            return [next(i for i, channel in enumerate(old) if torch.equal(channel, kept)) for kept in new]
    old, new = before.get_submodule(group[0]), pruned.get_submodule(group[0])
    inputs = [torch.isin(channel.flatten(), new.weight.flatten()).sum() for channel in old.weight]
    return torch.stack(inputs).topk(new.out_channels).indices.sort().values.tolist()


@pytest.mark.parametrize("recovery_epochs", [0, 1])
@pytest.mark.parametrize(
    "sparsity", [Profile(level=0.3), Profile(level=0.6, slope=-0.3), Profile(level=0.9, high=0.95)]
)
def test_level_zeroes_the_asked_share_of_each_layer(sparsity, recovery_epochs):
    pruned = prune("level", trained(residual), sparsity, recovery_epochs=recovery_epochs)
    found = zeros(pruned)
    for (layer, mask), share in zip(found.items(), sparsity.values(len(found)), strict=True):
        assert abs(int(mask.sum()) - share * mask.numel()) <= 1, layer


def test_level_zeroes_the_smallest_weights():
    model = trained(plain)
    before = model[2].conv.weight.detach().abs()
    pruned = prune("level", copy.deepcopy(model), Profile(level=0.5), recovery_epochs=0)
    mask = pruned[2].conv.weight == 0
    assert before[mask].max() <= before[~mask].min()


@pytest.mark.parametrize("quantizer", sorted({*QUANTIZERS} - {"bnn"}))  # it has no zero
def test_zeros_of_level_outlive_quantization(quantizer):
    pruned = fold_batch_norm(
        prune("level", trained(residual), Profile(level=0.7), recovery_epochs=1), context().calibration
    )
    before = zeros(pruned)
    used = technique_class(quantizer)()
    assert isinstance(used, Quantizer)
    quantized = used.quantize(copy.deepcopy(pruned), Profile(level=8, high=8), context())
    after = zeros(quantized.model)
    for layer, mask in before.items():
        assert mask.float().mean() > 0.69
        assert after[layer][mask].all(), layer


@pytest.mark.parametrize("name", [*CHANNEL_PRUNERS, "level"])
def test_recovery_wins_accuracy_back(name):
    cut, recovered = (
        prune(name, trained(plain), Profile(level=0.6), recovery_epochs=epochs, recovery_learning_rate=0.02)
        for epochs in (0, 6)
    )
    assert accuracy(recovered) > 0.98
    assert accuracy(recovered) >= accuracy(cut)


@pytest.mark.parametrize(
    ("channels", "share", "multiple", "kept"), [(30, 0.0, 4, 30), (5, 0.0, 4, 5), (3, 0.9, 4, 3), (10, 0.5, 1, 5)]
)
def test_kept_channels_are_never_more_than_there_are(channels, share, multiple, kept):
    assert kept_channels(channels, share, multiple) == kept


@pytest.mark.parametrize("name", ["level", "movement"])
def test_single_weights_go_not_whole_channels(name):
    pruned = technique_class(name).model_validate({}).prune(trained(plain), Profile(level=0.5), context())
    for module in pruned.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            rows = (module.weight == 0).flatten(1).float().mean(dim=1)
            assert float(rows.mean()) == pytest.approx(0.5, abs=0.02)
            assert float(rows.max()) < 1.0


def test_a_movement_pruned_network_recovers():
    pruned = technique_class("movement").model_validate({}).prune(trained(plain), Profile(level=0.5), context())
    assert accuracy(pruned) > 0.95
