"""From what NNI decided to automl's quantization."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from automl.technique import (
    ActivationQuantization,
    Quantization,
    QuantizedModel,
    WeightQuantization,
)
from automl_plugins.nni.compression import unwrap

_SIGNED_TO_UNSIGNED = 128
_LARGEST_CODE = 255
_SMALLEST_RANGE = 1e-6


def forward_in_batches(model: nn.Module, images: Tensor, batch_size: int = 256) -> None:
    """Run the model over images, for the ranges that NNI tracks on the way."""
    with torch.no_grad():
        for batch in torch.split(images, batch_size):
            model(batch)


@contextmanager
def kept_zeros(model: nn.Module) -> Iterator[None]:
    """Keep weights that are exactly zero at zero while the model trains, so that quantization undoes no pruning."""
    handles = []
    for parameter in model.parameters():
        zeros = parameter == 0
        if parameter.dim() > 1 and bool(zeros.any()):
            handles.append(parameter.register_hook(partial(torch.masked_fill, mask=zeros, value=0.0)))  # type: ignore[no-untyped-call] # torch's own
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def quantized(quantizer: Any, calibration: dict[str, dict[str, Any]]) -> QuantizedModel:
    """Unwrap the model, put its weights on the grid, and read the grid off NNI's calibration."""
    unwrap(quantizer)
    model: nn.Module = quantizer.bound_model
    weights: dict[str, WeightQuantization] = {}
    outputs: dict[str, ActivationQuantization] = {}
    for name, targets in calibration.items():
        if "weight" in targets:
            weights[name] = _snap_weight(model.get_submodule(name), targets["weight"])
        if "_output_0" in targets:
            outputs[name] = _within_clamp(_activation(targets["_output_0"]), model.get_submodule(name))
    return QuantizedModel(model.eval(), Quantization(weights=weights, outputs=outputs))


def quantized_untrained(model: nn.Module, grids: list[dict[str, Any]], images: Tensor) -> QuantizedModel:
    """Put the weights and outputs that ``grids`` names on grids that fit a few images, without NNI's wrappers.

    Args:
        model: With batch normalisation folded; its weights stay as they are.
        grids: NNI's configuration.
        images: A batch (N, C, H, W) that sets the ranges of outputs.
    """
    bits = {grid["op_names"][0]: int(grid["quant_dtype"][3:]) for grid in grids if grid["target_names"] == ["weight"]}
    signed = {
        grid["op_names"][0]: grid["quant_dtype"] == "int8" for grid in grids if grid["target_names"] != ["weight"]
    }
    outputs: dict[str, ActivationQuantization] = {}

    def watch(name: str, output: Tensor) -> None:
        low, high = min(output.min().item(), 0.0), max(output.max().item(), _SMALLEST_RANGE)
        reach = max(-low, high) if signed[name] else (high - low) / 2
        zero_point = _SIGNED_TO_UNSIGNED if signed[name] else round(-low / (high - low) * _LARGEST_CODE)
        outputs[name] = ActivationQuantization(scale=2 * reach / _LARGEST_CODE, zero_point=zero_point)

    handles = [
        model.get_submodule(name).register_forward_hook(lambda _module, _inputs, output, name=name: watch(name, output))
        for name in signed
    ]
    try:
        forward_in_batches(model.eval(), images)
    finally:
        for handle in handles:
            handle.remove()
    weights = {name: _weight_anyhow(model.get_submodule(name).get_parameter("weight"), bits[name]) for name in bits}
    return QuantizedModel(model, Quantization(weights=weights, outputs={name: outputs[name] for name in signed}))


def _weight_anyhow(weight: Tensor, bits: int) -> WeightQuantization:
    largest = weight.detach().flatten(1).abs().amax(dim=1).clamp_min(_SMALLEST_RANGE)
    return WeightQuantization(bits=bits, scale=tuple((largest / (2 ** (bits - 1) - 1)).tolist()))


def _activation(target: dict[str, Any]) -> ActivationQuantization:
    shift = 0 if str(target["quant_dtype"]).startswith("u") else _SIGNED_TO_UNSIGNED
    zero_point = round(target["zero_point"].item()) + shift
    return ActivationQuantization(scale=abs(target["scale"].item()), zero_point=min(max(zero_point, 0), 255))


def _within_clamp(grid: ActivationQuantization, module: nn.Module) -> ActivationQuantization:
    """Let a learned grid end where its clamp does: the codes beyond it stand for nothing, and keep the clamp alive."""
    if isinstance(module, nn.ReLU6) and grid.zero_point == 0:
        return replace(grid, scale=min(grid.scale, module.max_val / _LARGEST_CODE))
    return grid


def _snap_weight(layer: nn.Module, target: dict[str, Any]) -> WeightQuantization:
    bits = int(target["quant_bits"])
    weight = layer.get_parameter("weight")
    scale = target["scale"].detach().abs().reshape(-1).to(weight.device, torch.float32)
    spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
    largest = 2 ** (bits - 1) - 1
    with torch.no_grad():
        weight.copy_(torch.clamp(torch.round(weight / spread), -largest, largest) * spread)
    return WeightQuantization(bits=bits, scale=tuple(scale.tolist()))
