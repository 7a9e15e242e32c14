"""Which tensors of a network are quantized, in NNI's terms."""

from enum import StrEnum
from typing import Any

from torch import fx, nn

from automl.network.tracing import trace
from automl.technique import Profile
from automl_plugins._nni import register_activation, register_layer

_FUSED_INTO_PRODUCER = (nn.ReLU, nn.ReLU6)
_KEEPS_VALUES = (nn.MaxPool2d, nn.Flatten, nn.Dropout, nn.Identity)
_KEEPS_SIGN = (*_KEEPS_VALUES, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_LAYERS = (nn.Conv2d, nn.Linear)


class ActivationScheme(StrEnum):
    """Where the grid of an activation lies: anywhere, or with zero in the middle or at its lower end."""

    AFFINE = "affine"
    SYMMETRIC = "symmetric"


def layer_bits(model: nn.Module, weight_bits: Profile) -> dict[str, int]:
    """Give the bits of each convolution and linear layer, in the order in which they run."""
    layers = {name: module for name, module in _called_modules(trace(model)) if isinstance(module, _LAYERS)}
    for layer in layers.values():
        register_layer(layer)
    return dict(zip(layers, weight_bits.whole_values(len(layers)), strict=True))


def weight_grids(model: nn.Module, weight_bits: Profile) -> list[dict[str, Any]]:
    """Ask NNI for symmetric weights, one scale an output channel, the bits of the profile."""
    return [
        {
            "op_names": [name],
            "target_names": ["weight"],
            "quant_dtype": f"int{bits}",
            "quant_scheme": "symmetric",
            "granularity": "out_channel",
        }
        for name, bits in layer_bits(model, weight_bits).items()
    ]


def activation_grids(model: nn.Module, scheme: ActivationScheme = ActivationScheme.AFFINE) -> list[dict[str, Any]]:
    """Ask NNI for activations of 8 bits, wherever ONNX Runtime must see them to compute in int8.

    These are the outputs of layers and of sums (after the ReLU where one follows, since the two are fused), of
    other activations and of average pools. The input of the network is on its grid already, and the logits stay
    float. A symmetric grid starts at zero where no value is below it, and has its zero in the middle elsewhere.
    """
    traced = trace(model)
    config: list[dict[str, Any]] = []
    for node in _quantized_outputs(traced):
        register_activation(type(_module(traced, node)).__name__)
        is_signed = scheme is ActivationScheme.SYMMETRIC and not _is_never_negative(traced, node)
        config.append(
            {
                "op_names": [str(node.target)],
                "target_names": ["_output_"],
                "quant_dtype": "int8" if is_signed else "uint8",
                "quant_scheme": scheme.value,
            }
        )
    return config


def _called_modules(traced: fx.GraphModule) -> list[tuple[str, nn.Module]]:
    called = (str(node.target) for node in traced.graph.nodes if node.op == "call_module")
    return [(name, traced.get_submodule(name)) for name in dict.fromkeys(called)]


def _quantized_outputs(traced: fx.GraphModule) -> list[fx.Node]:
    nodes: dict[str, fx.Node] = {}
    for node in traced.graph.nodes:
        if node.op != "call_module":
            continue
        consumers = [_module(traced, user) for user in node.users]
        is_output = any(user.op == "output" for user in node.users)
        is_fused = all(isinstance(consumer, _FUSED_INTO_PRODUCER) for consumer in consumers)
        if not is_output and not is_fused and not isinstance(_module(traced, node), _KEEPS_VALUES):
            nodes.setdefault(str(node.target), node)
    return list(nodes.values())


def _is_never_negative(traced: fx.GraphModule, node: fx.Node) -> bool:
    module = _module(traced, node)
    if isinstance(module, _KEEPS_SIGN):
        return all(_is_never_negative(traced, source) for source in node.all_input_nodes)
    return isinstance(module, _FUSED_INTO_PRODUCER)


def _module(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None
