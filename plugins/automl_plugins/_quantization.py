"""From what NNI decided to automl's quantization."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from automl_plugins._nni import unwrap

_SIGNED_TO_UNSIGNED = 128


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
            outputs[name] = _activation(targets["_output_0"])
    return QuantizedModel(model.eval(), Quantization(weights=weights, outputs=outputs))


def _activation(target: dict[str, Any]) -> ActivationQuantization:
    shift = 0 if str(target["quant_dtype"]).startswith("u") else _SIGNED_TO_UNSIGNED
    zero_point = round(target["zero_point"].item()) + shift
    return ActivationQuantization(scale=abs(target["scale"].item()), zero_point=min(max(zero_point, 0), 255))


def _snap_weight(layer: nn.Module, target: dict[str, Any]) -> WeightQuantization:
    bits = int(target["quant_bits"])
    weight = layer.get_parameter("weight")
    scale = target["scale"].detach().abs().reshape(-1).to(weight.device, torch.float32)
    spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
    largest = 2 ** (bits - 1) - 1
    with torch.no_grad():
        weight.copy_(torch.clamp(torch.round(weight / spread), -largest, largest) * spread)
    return WeightQuantization(bits=bits, scale=tuple(scale.tolist()))
