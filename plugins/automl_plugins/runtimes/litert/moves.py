"""Translates what computes nothing: changes of code, of shape and of place."""

import onnx
from onnx import helper

from automl.errors import ConversionError
from automl_plugins.runtimes.litert.flatbuffer import Activation, ElementType
from automl_plugins.runtimes.litert.network import Network

_AXES_CHANNELS_LAST = (0, 3, 1, 2)  # by the axis of ONNX


def quantize(node: onnx.NodeProto, network: Network) -> None:
    """Translate QuantizeLinear; what an operator gave in these codes stays as it is."""
    value = network.value(node.input[0])
    network.bind(node.output[0], network.codes(value, network.source.scale(node)))


def dequantize(node: onnx.NodeProto, network: Network) -> None:
    """Translate DequantizeLinear: codes stay codes, and become real before an operator that needs it."""
    value = network.value(node.input[0])
    if value.element is ElementType.UINT8:
        is_quantized = network.source.is_quantized
        value = network.codes(value, network.source.scale(node)) if is_quantized else network.real(value)
    network.bind(node.output[0], value)


def reshape(node: onnx.NodeProto, network: Network) -> None:
    """Translate Flatten, Reshape, Squeeze and Unsqueeze."""
    value, shape = network.value(node.input[0]), network.source.shape(node.output[0])
    network.bind(node.output[0], network.reshaped(value, shape))


def transpose(node: onnx.NodeProto, network: Network) -> None:
    """Translate Transpose.

    Raises:
        ConversionError: If images do not stay the first axis.
    """
    value = network.channels_first(network.value(node.input[0]))
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    order = attributes.get("perm", range(len(value.shape))[::-1])
    if order[0] != 0:
        raise ConversionError("the network has a Transpose of whole images; deploy model.onnx")
    network.bind(node.output[0], network.transposed(value, order, is_last=False))


def concatenate(node: onnx.NodeProto, network: Network) -> None:
    """Translate Concat; where its output is kept in codes, all inputs are brought to these."""
    values = [network.value(name) for name in node.input]
    axis = helper.get_attribute_value(node.attribute[0]) % len(values[0].shape)
    is_last = all(value.is_channels_last for value in values)
    values = values if is_last else [network.channels_first(value) for value in values]
    axis = _AXES_CHANNELS_LAST[axis] if is_last else axis
    scale = network.source.kept_scale(node.output[0])
    if scale is None or any(value.scale is None for value in values):
        values, scale = [network.real(value) for value in values], None
    else:
        values = [network.codes(value, scale) for value in values]
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    options = {"axis": axis, "fusedActivationFunction": Activation.NONE}
    result = network.add("CONCATENATION", values, tuple(shape), scale=scale, is_channels_last=is_last, options=options)
    network.bind(node.output[0], result)


def identity(node: onnx.NodeProto, network: Network) -> None:
    """Translate Identity."""
    network.bind(node.output[0], network.value(node.input[0]))
