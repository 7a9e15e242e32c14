"""Translates what treats each element alone: sums, products and activations."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from automl_plugins.runtimes.litert.network import Network, Translate, Value

_CLAMPS = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, 1.0): "RELU_0_TO_1"}


def combined(kind: str) -> Translate:
    """Translate an operator of two operands, which broadcast, into ``kind``."""

    def translate(node: onnx.NodeProto, network: Network) -> None:
        ending, scale = network.source.ending(node), None
        values = _operands(node, network)
        if ending.scale is not None and all(value.scale is not None for value in values):
            scale = ending.scale
        else:
            values = [network.real(value) for value in values]
        result = network.add(
            kind,
            values,
            tuple(np.broadcast_shapes(*(value.shape for value in values))),
            scale=scale,
            is_channels_last=values[0].is_channels_last,
            options={"fusedActivationFunction": ending.activation},
        )
        network.bind_ending(ending, result)

    return translate


def single(kind: str) -> Translate:
    """Translate an operator of one operand into ``kind``, which computes in float32."""

    def translate(node: onnx.NodeProto, network: Network) -> None:
        network.bind(node.output[0], _apply(kind, network.real(network.value(node.input[0])), network))

    return translate


def gelu(node: onnx.NodeProto, network: Network) -> None:
    """Translate Gelu, exact or by a hyperbolic tangent."""
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    value = network.real(network.value(node.input[0]))
    options = {"approximate": int(attributes.get("approximate", b"none") == b"tanh")}
    result = network.add("GELU", (value,), value.shape, is_channels_last=value.is_channels_last, options=options)
    network.bind(node.output[0], result)


def hard_sigmoid(node: onnx.NodeProto, network: Network) -> None:
    """Translate HardSigmoid: a line, clamped to 0 … 1."""
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    value = network.real(network.value(node.input[0]))
    for kind, operand in (("MUL", attributes.get("alpha", 0.2)), ("ADD", attributes.get("beta", 0.5))):
        value = _with_constant(kind, value, np.array(operand), network)
    network.bind(node.output[0], _apply("RELU_0_TO_1", value, network))


def batch_norm(node: onnx.NodeProto, network: Network) -> None:
    """Translate a BatchNormalization that no layer before it took in: a factor and a term for each channel."""
    gain, shift, mean, variance = (network.source.constant(name) for name in node.input[1:])
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    value = network.real(network.value(node.input[0]))
    factor = gain / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    sides = (1,) * (len(value.shape) - 2)
    for kind, numbers in (("MUL", factor), ("ADD", shift - mean * factor)):
        of_channels = numbers if value.is_channels_last else numbers.reshape(-1, *sides)
        value = _with_constant(kind, value, of_channels, network)
    network.bind(node.output[0], value)


def clamp(node: onnx.NodeProto, network: Network) -> None:
    """Translate a Relu or a Clip that no operator before it does."""
    low, high = bounds = network.source.bounds(node)
    value = network.real(network.value(node.input[0]))
    if bounds in _CLAMPS:
        value = _apply(_CLAMPS[bounds], value, network)
    else:
        for kind, bound in (("MAXIMUM", low), ("MINIMUM", high)):
            value = _with_constant(kind, value, np.array(bound), network) if np.isfinite(bound) else value
    network.bind(node.output[0], value)


def _operands(node: onnx.NodeProto, network: Network) -> list[Value]:
    """Give all operands in one order of axes."""
    source = network.source
    computed = {name: network.value(name) for name in node.input if not source.is_constant(name)}
    if not all(value.is_channels_last for value in computed.values()):
        computed = {name: network.channels_first(value) for name, value in computed.items()}
        return [computed[name] if name in computed else network.value(name) for name in node.input]
    return [
        computed[name] if name in computed else network.constant_channels_last(source.constant(name))
        for name in node.input
    ]


def _apply(kind: str, value: Value, network: Network) -> Value:
    return network.add(kind, (value,), value.shape, is_channels_last=value.is_channels_last)


def _with_constant(kind: str, value: Value, numbers: NDArray[np.floating], network: Network) -> Value:
    operands = (value, network.constant(numbers))
    return network.add(kind, operands, value.shape, is_channels_last=value.is_channels_last)
