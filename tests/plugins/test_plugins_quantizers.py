"""Quantizers put weights on the grid that they report, and activations where NNI itself put them."""

import copy
import functools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.network.folding import fold_batch_norm
from automl.pipeline.simulation import simulated_logits
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Profile, QuantizedModel, Quantizer, Stage, StageContext
from automl.testing.context import NORMALIZATION, context, logits, split, trained
from automl.testing.networks import NETWORKS, SHAPE, Network, depthwise, plain, residual
from automl_plugins.nni.compression import PtqQuantizer, TorchEvaluator, nni
from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

QUANTIZERS = [  # with integers: float16 has a test of its own
    name
    for name, plugin in TECHNIQUE.installed().items()
    if plugin.load().stage is Stage.QUANTIZER and name != "float16"
]
WIDE = Profile(level=8, low=2, high=8)
SLOPED = Profile(level=5, slope=3, low=2, high=8)

each_quantizer = pytest.mark.parametrize("name", QUANTIZERS)
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda made: made.__name__)
each_quantizer_and_network = pytest.mark.parametrize(
    ("name", "network"),
    [
        pytest.param(name, network, id=f"{name}-{network.__name__}")
        for name in QUANTIZERS
        for network in NETWORKS
        if (name, network) != ("bnn", depthwise)  # refused
    ],
)


def quantizer(name: str) -> Quantizer:
    used = technique_class(name)()
    assert isinstance(used, Quantizer)
    return used


def quantize(name: str, model: nn.Module, bits: Profile, given: StageContext | None = None) -> QuantizedModel:
    used = quantizer(name)
    return used.quantize(used.prepared(model, context().calibration), bits, given or context())


@functools.cache
def quantized(name: str, network: Network) -> QuantizedModel:
    """Give a network with the widths of ``SLOPED``; the same object at every call."""
    return quantize(name, trained(network), SLOPED)


def layers(model: nn.Module) -> dict[str, nn.Module]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def simulated(result: QuantizedModel) -> torch.Tensor:
    model, quantization = result
    return torch.from_numpy(simulated_logits(model, quantization, split().images, NORMALIZATION))


@each_quantizer_and_network
def test_bits_of_each_layer_follow_the_profile_in_order(name, network):
    model = trained(network)
    expected = quantizer(name).bits(SLOPED, len(layers(model)))
    weights = quantized(name, network).quantization.weights
    assert {layer: grid.bits for layer, grid in weights.items()} == dict(zip(layers(model), expected, strict=True))
    assert min(expected) == (1 if name == "bnn" else 2)
    assert max(expected) == 8


@each_quantizer
@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_lie_exactly_on_a_grid_of_their_bits(name, bits):
    profile = Profile(level=bits, low=2, high=8)
    model, quantization = quantize(name, trained(residual), profile)
    assert quantization.weights.keys() == layers(model).keys()
    expected = quantizer(name).bits(profile, len(layers(model)))
    for (layer, module), width in zip(layers(model).items(), expected, strict=True):
        weight, grid = module.weight.detach().flatten(1), quantization.weights[layer]
        scale = torch.tensor(grid.scale)[:, None]
        codes = torch.round(weight / scale)
        assert grid.bits == width
        assert len(grid.scale) == len(weight)
        assert (scale > 0).all()
        assert torch.equal(codes * scale, weight), layer
        assert set(codes.unique().tolist()) <= set(grid.legal_codes)
        assert max(len(channel.unique()) for channel in weight) <= len(grid.legal_codes) <= 2**width


@pytest.mark.parametrize("name", ["ptq", "qat"])  # learned steps may leave codes unused where that lowers the loss
def test_scales_leave_no_code_unused(name):
    model, quantization = quantize(name, trained(plain), WIDE)
    for layer, module in layers(model).items():
        codes = module.weight.detach().flatten(1) / torch.tensor(quantization.weights[layer].scale)[:, None]
        assert codes.abs().amax(1).min() > 100, layer


@each_quantizer_and_network
def test_every_tensor_that_integer_kernels_read_has_a_scale(name, network):
    """Fused or not, what a layer, a sum or a pool reads is on a grid: only the logits stay in float."""
    quantization = quantize(name, trained(network), WIDE).quantization
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


@each_quantizer_and_network
def test_deployed_file_answers_like_its_simulation(name, network, tmp_path):
    result = quantized(name, network)
    path = tmp_path / "model.onnx"
    export_onnx(result.model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=result.quantization)
    deployed, expected = torch.from_numpy(predict(path, split().images)), simulated(result)
    assert (deployed.argmax(1) == expected.argmax(1)).float().mean() > 0.98
    assert (deployed - expected).abs().mean() < 0.02 * expected.std()


@each_quantizer_and_network
def test_what_is_shown_untrained_has_the_form_of_the_result(name, network):
    shown = quantizer(name).untrained(fold_batch_norm(trained(network), context().calibration), SLOPED, context())
    made = quantized(name, network).quantization
    assert shown is not None
    assert shown.quantization.outputs.keys() == made.outputs.keys()
    assert {layer: (grid.bits, len(grid.scale)) for layer, grid in shown.quantization.weights.items()} == {
        layer: (grid.bits, len(grid.scale)) for layer, grid in made.weights.items()
    }


def nothing(*_: object) -> None:
    """Stand in for the training that NNI asks for."""


@each_network
def test_simulation_of_ptq_equals_the_model_that_nni_wrapped(network):
    model, images = fold_batch_norm(trained(network), context().calibration), context().calibration
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
    result = quantize("qat", fold_batch_norm(trained(network), context().calibration), bits, replace(given, fit=fit))
    assert_close(simulated(result), seen[0])


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Allow for a tie that NNI and torch round to different codes, here and there; no scale may be off."""
    error, spread = (found - expected).abs(), float(expected.std())
    assert error.mean() < 1e-4 * spread
    assert error.max() < 0.02 * spread
