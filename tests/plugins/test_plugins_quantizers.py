"""Quantizers put weights on the grid that they report, and activations where NNI itself put them."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from small_networks import NETWORKS, NORMALIZATION, context, logits, plain, residual, split, trained
from torch import nn

from automl.network.folding import fold_batch_norm
from automl.pipeline.simulation import simulated_logits
from automl.registry import plugins, technique_class
from automl.technique import Profile, QuantizedModel, Quantizer, Stage, StageContext
from automl_plugins._nni import PtqQuantizer, TorchEvaluator, nni
from automl_plugins._quantized_tensors import activation_grids, weight_grids

QUANTIZERS = [name for name, plugin in plugins().items() if plugin.load().stage is Stage.QUANTIZER]
WIDE = Profile(level=8, low=2, high=8)

each_quantizer = pytest.mark.parametrize("name", QUANTIZERS)
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda made: made.__name__)


def quantize(name: str, model: nn.Module, bits: Profile, given: StageContext | None = None) -> QuantizedModel:
    used = technique_class(name)()
    assert isinstance(used, Quantizer)
    return used.quantize(model, bits, given or context())


def layers(model: nn.Module) -> dict[str, nn.Module]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def simulated(result: QuantizedModel) -> torch.Tensor:
    model, quantization = result
    return torch.from_numpy(simulated_logits(model, quantization, split().images, NORMALIZATION))


@each_quantizer
@each_network
def test_bits_of_each_layer_follow_the_profile_in_order(name, network):
    model = fold_batch_norm(trained(network))
    bits = Profile(level=5, slope=3, low=2, high=8)
    expected = dict(zip(layers(model), bits.whole_values(len(layers(model))), strict=True))
    weights = quantize(name, model, bits).quantization.weights
    assert {layer: grid.bits for layer, grid in weights.items()} == expected
    assert min(expected.values()) == 2
    assert max(expected.values()) == 8


@each_quantizer
@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_lie_exactly_on_a_grid_of_their_bits(name, bits):
    model, quantization = quantize(name, fold_batch_norm(trained(residual)), Profile(level=bits, low=2, high=8))
    assert quantization.weights.keys() == layers(model).keys()
    for layer, module in layers(model).items():
        weight, grid = module.weight.detach().flatten(1), quantization.weights[layer]
        scale = torch.tensor(grid.scale)[:, None]
        codes = torch.round(weight / scale)
        assert grid.bits == bits
        assert len(grid.scale) == len(weight)
        assert (scale > 0).all()
        assert torch.equal(codes * scale, weight), layer
        assert codes.abs().max() <= 2 ** (bits - 1) - 1
        assert max(len(channel.unique()) for channel in weight) <= 2**bits - 1


@pytest.mark.parametrize("name", ["ptq", "qat"])  # learned steps may leave codes unused where that lowers the loss
def test_scales_leave_no_code_unused(name):
    model, quantization = quantize(name, fold_batch_norm(trained(plain)), WIDE)
    for layer, module in layers(model).items():
        codes = module.weight.detach().flatten(1) / torch.tensor(quantization.weights[layer].scale)[:, None]
        assert codes.abs().amax(1).min() > 100, layer


@each_quantizer
@each_network
def test_every_tensor_that_integer_kernels_read_has_a_scale(name, network):
    """Fused or not, what a layer, a sum or a pool reads is on a grid: only the logits stay in float."""
    quantization = quantize(name, fold_batch_norm(trained(network)), WIDE).quantization
    expected = {
        "plain": {"0.act", "2.act", "3"},
        "depthwise": {"0.act", "1.act", "2.act", "3"},
        "residual": {"stem.act", "first.act", "second.conv", "act", "pool"},
        "bare_sum": {"stem.act", "first.act", "second.conv", "add", "pool"},
        "smooth": {"0.conv", "0.act", "1.conv", "1.act", "2"},
    }[network.__name__]
    assert quantization.outputs.keys() == expected
    for grid in quantization.outputs.values():
        assert grid.scale > 0
        assert 0 <= grid.zero_point <= 255


def nothing(*_: object) -> None:
    """Stand in for the training that NNI asks for."""


@each_network
def test_simulation_of_ptq_equals_the_model_that_nni_wrapped(network):
    model, images = fold_batch_norm(trained(network)), context().calibration
    result = quantize("ptq", copy.deepcopy(model), Profile(level=6, slope=2, low=2, high=8))
    config = [*weight_grids(model, Profile(level=6, slope=2, low=2, high=8)), *activation_grids(model)]
    optimizer = nni.trace(torch.optim.SGD)(model.parameters(), lr=0.1)
    evaluator = TorchEvaluator(nothing, optimizer, nothing, evaluating_func=lambda given: given(images))
    wrapped = PtqQuantizer(model, config, evaluator)
    wrapped.compress(1, None)
    assert_close(simulated(result), logits(wrapped.bound_model))


@each_network
def test_simulation_of_qat_equals_the_model_that_nni_wrapped(network):
    given, seen = context(), []

    def fit(wrapped: nn.Module, **settings: Any) -> None:
        given.fit(wrapped, **settings)
        seen.append(logits(wrapped))

    bits = Profile(level=6, slope=2, low=2, high=8)
    result = quantize("qat", fold_batch_norm(trained(network)), bits, replace(given, fit=fit))
    assert_close(simulated(result), seen[0])


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Allow for a tie that NNI and torch round to different codes, here and there; no scale may be off."""
    error, spread = (found - expected).abs(), float(expected.std())
    assert error.mean() < 1e-4 * spread
    assert error.max() < 0.02 * spread
