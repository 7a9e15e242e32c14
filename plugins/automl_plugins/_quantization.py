"""Between automl's quantization and NNI's: which tensors are quantized, and what NNI decided."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn

from automl.technique import (
    ActivationQuantization,
    Profile,
    Quantization,
    QuantizedModel,
    WeightQuantization,
)
from automl_plugins._nni import register_activation, unwrap

_FUSED_INTO_PRODUCER = (nn.ReLU, nn.ReLU6)
_KEEPS_VALUES = (nn.MaxPool2d, nn.Flatten, nn.Dropout, nn.Identity)
_LAYERS = (nn.Conv2d, nn.Linear)


class _LeafTracer(fx.Tracer):
    """Stops at every module without children, so that a residual ``Add`` keeps its name."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return super().is_leaf_module(m, module_qualified_name) or not any(m.children())


def quantization_config(model: nn.Module, weight_bits: Profile) -> list[dict[str, Any]]:
    """Say what NNI quantizes, and how.

    Weights: symmetric, one scale an output channel, the bits of the profile. Activations: 8 unsigned bits,
    asymmetric, wherever ONNX Runtime must see them to compute in int8: the outputs of layers and of sums
    (after the ReLU where one follows, since the two are fused), of other activations and of average pools. The input
    of the network is on its grid already and the logits stay float.
    """
    traced = fx.GraphModule(model, _LeafTracer().trace(model))
    layers = [name for name, module in _called_modules(traced) if isinstance(module, _LAYERS)]
    config: list[dict[str, Any]] = [
        {
            "op_names": [name],
            "target_names": ["weight"],
            "quant_dtype": f"int{bits}",
            "quant_scheme": "symmetric",
            "granularity": "out_channel",
        }
        for name, bits in zip(layers, weight_bits.whole_values(len(layers)), strict=True)
    ]
    for name in _quantized_outputs(traced):
        register_activation(type(traced.get_submodule(name)).__name__)
        config.append(
            {"op_names": [name], "target_names": ["_output_"], "quant_dtype": "uint8", "quant_scheme": "affine"}
        )
    return config


def _called_modules(traced: fx.GraphModule) -> list[tuple[str, nn.Module]]:
    called = (str(node.target) for node in traced.graph.nodes if node.op == "call_module")
    return [(name, traced.get_submodule(name)) for name in dict.fromkeys(called)]


def _quantized_outputs(traced: fx.GraphModule) -> list[str]:
    names: list[str] = []
    for node in traced.graph.nodes:
        if node.op != "call_module":
            continue
        consumers = [_module(traced, user) for user in node.users]
        is_output = any(user.op == "output" for user in node.users)
        is_fused = all(isinstance(consumer, _FUSED_INTO_PRODUCER) for consumer in consumers)
        if not is_output and not is_fused and not isinstance(_module(traced, node), _KEEPS_VALUES):
            names.append(str(node.target))
    return list(dict.fromkeys(names))


def _module(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None


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
            found = targets["_output_0"]
            outputs[name] = ActivationQuantization(
                scale=float(found["scale"]), zero_point=round(float(found["zero_point"]))
            )
    return QuantizedModel(model.eval(), Quantization(weights=weights, outputs=outputs))


def _snap_weight(layer: nn.Module, target: dict[str, Any]) -> WeightQuantization:
    bits = int(target["quant_bits"])
    weight = layer.get_parameter("weight")
    scale = target["scale"].reshape(-1).to(weight.device, torch.float32)
    spread = scale.reshape(-1, *[1] * (weight.dim() - 1))
    largest = 2 ** (bits - 1) - 1
    with torch.no_grad():
        weight.copy_(torch.clamp(torch.round(weight / spread), -largest, largest) * spread)
    return WeightQuantization(bits=bits, scale=tuple(scale.tolist()))
