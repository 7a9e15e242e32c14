"""Which tensors of a network are quantized, in NNI's terms."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from torch import fx, nn

from automl.network.tracing import trace
from automl.technique import Profile
from automl_plugins.nni.compression import register_activation, register_layer
from automl_plugins.quantizers._passing_modules import hands_on

_FUSED_INTO_PRODUCER = {nn.ReLU, nn.ReLU6}
_KEEPS_VALUES = {nn.MaxPool2d, nn.Flatten}
_KEEPS_SIGN = {*_KEEPS_VALUES, nn.AvgPool2d, nn.AdaptiveAvgPool2d}
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
    other activations and of average pools. Modules that hand on their input as it is are looked through. The input
    of the network is on its grid already, and the logits stay float. A symmetric grid starts at zero where no value
    is below it, and has its zero in the middle elsewhere.
    """
    traced = trace(model)
    config: list[dict[str, Any]] = []
    for name, calls in _quantized_outputs(traced).items():
        register_activation(type(traced.get_submodule(name)).__name__)
        is_signed = scheme is ActivationScheme.SYMMETRIC and not all(_is_never_negative(traced, call) for call in calls)
        config.append(
            {
                "op_names": [name],
                "target_names": ["_output_"],
                "quant_dtype": "int8" if is_signed else "uint8",
                "quant_scheme": scheme.value,
            }
        )
    return config


def _called_modules(traced: fx.GraphModule) -> list[tuple[str, nn.Module]]:
    called = (str(node.target) for node in traced.graph.nodes if node.op == "call_module")
    return [(name, traced.get_submodule(name)) for name in dict.fromkeys(called)]


def _quantized_outputs(traced: fx.GraphModule) -> dict[str, list[fx.Node]]:
    """Give the calls of each module of which at least one has an output that must be on a grid."""
    calls: dict[str, list[fx.Node]] = {}
    for node in traced.graph.nodes:
        if node.op == "call_module":
            calls.setdefault(str(node.target), []).append(node)
    return {name: nodes for name, nodes in calls.items() if any(_needs_grid(traced, node) for node in nodes)}


def _needs_grid(traced: fx.GraphModule, node: fx.Node) -> bool:
    if _hands_on(traced, node) or _kind(traced, node) in _KEEPS_VALUES:
        return False
    readers = list(_readers(traced, node))
    is_fused = all(_kind(traced, reader) in _FUSED_INTO_PRODUCER for reader in readers)
    return not is_fused and not any(reader.op == "output" for reader in readers)


def _readers(traced: fx.GraphModule, node: fx.Node) -> Iterator[fx.Node]:
    """Give what reads a value, behind the modules that hand it on as it is."""
    for user in node.users:
        if _hands_on(traced, user):
            yield from _readers(traced, user)
        else:
            yield user


def _is_never_negative(traced: fx.GraphModule, node: fx.Node) -> bool:
    if _hands_on(traced, node) or _kind(traced, node) in _KEEPS_SIGN:
        return all(_is_never_negative(traced, source) for source in node.all_input_nodes)
    return _kind(traced, node) in _FUSED_INTO_PRODUCER


def _hands_on(traced: fx.GraphModule, node: fx.Node) -> bool:
    return node.op == "call_module" and hands_on(traced.get_submodule(str(node.target)))


def _kind(traced: fx.GraphModule, node: fx.Node) -> type[nn.Module] | None:
    """Give the class of the module that a node calls: only torch's own is known to do what it says."""
    return type(traced.get_submodule(str(node.target))) if node.op == "call_module" else None
