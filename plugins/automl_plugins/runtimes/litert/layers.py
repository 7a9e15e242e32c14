"""Translates the layers that have weights: convolutions and linear layers, in int8 where all about them is."""

import numpy as np
import onnx
from onnx import helper

from automl.errors import ConversionError
from automl_plugins.runtimes.litert.flatbuffer import ElementType, Scale
from automl_plugins.runtimes.litert.network import Network, Value
from automl_plugins.runtimes.litert.source import Ending, Weight
from automl_plugins.runtimes.litert.windows import Window, bordered

_INT32 = 2**31 - 1


def convolution(node: onnx.NodeProto, network: Network) -> None:
    """Translate Conv over images, whose groups may be single channels.

    Raises:
        ConversionError: If it does not go over images.
    """
    source = network.source
    weight, ending = source.weight(node.input[1]), source.ending(node)
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    image = _operand(network, network.channels_last(network.value(node.input[0])), weight, ending)
    groups, outputs = attributes.get("group", 1), source.shape(node.output[0])
    window = Window.of(node, weight.values.shape[2:], image.shape[1:3], outputs[2:])
    bordered_image, padding = bordered(network, image, window)
    is_depthwise = groups == image.shape[3] > 1
    axis = 3 if is_depthwise else 0
    order = (1, 2, 3, 0) if is_depthwise else (0, 2, 3, 1)  # from (out, in, row, column)
    kernel = _weight(network, weight, order, axis, is_integer=image.scale is not None)
    options = {
        **window.options,
        "padding": padding,
        "dilationHFactor": window.dilations[0],
        "dilationWFactor": window.dilations[1],
        "fusedActivationFunction": ending.activation,
    }
    if is_depthwise:
        options["depthMultiplier"] = outputs[1] // groups
    result = network.add(
        "DEPTHWISE_CONV_2D" if is_depthwise else "CONV_2D",
        (bordered_image, kernel, _bias(network, node, image, weight)),
        (1, *outputs[2:], outputs[1]),
        scale=ending.scale if image.scale is not None else None,
        is_channels_last=True,
        options=options,
        is_grouped=groups > 1 and not is_depthwise,
        is_dilated=window.dilations != (1, 1),
    )
    network.bind_ending(ending, result)


def linear(node: onnx.NodeProto, network: Network) -> None:
    """Translate Gemm with a constant second operand.

    Raises:
        ConversionError: If it multiplies by a constant beside.
    """
    source = network.source
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    factors = {attributes.get(name, 1.0) for name in ("alpha", "beta")}
    if factors != {1.0} or attributes.get("transA", 0) or not attributes.get("transB", 0):
        raise ConversionError("the network has a Gemm that is no linear layer; deploy model.onnx")
    weight, ending = source.weight(node.input[1]), source.ending(node)
    features = _operand(network, network.channels_first(network.value(node.input[0])), weight, ending)
    kernel = _weight(network, weight, (0, 1), 0, is_integer=features.scale is not None)
    result = network.add(
        "FULLY_CONNECTED",
        (features, kernel, _bias(network, node, features, weight)),
        (1, len(weight.values)),
        scale=ending.scale if features.scale is not None else None,
        options={"fusedActivationFunction": ending.activation},
    )
    network.bind_ending(ending, result)


def _operand(network: Network, value: Value, weight: Weight, ending: Ending) -> Value:
    """Give a layer's input in codes where its weight and its output are codes too, else real."""
    is_integer = value.scale is not None and weight.scale is not None and ending.scale is not None
    return value if is_integer else network.real(value)


def _weight(network: Network, weight: Weight, order: tuple[int, ...], axis: int, *, is_integer: bool) -> Value:
    """Store a weight as narrow as it is; a layer that computes in float32 widens it before."""
    scale = None if weight.scale is None else Scale(tuple(weight.scale.tolist()), axis=axis)
    stored = network.constant(weight.values.transpose(order), weight.element, scale)
    return stored if is_integer else network.real(stored)


def _bias(network: Network, node: onnx.NodeProto, operand: Value, weight: Weight) -> Value:
    bias = network.source.bias(node, len(weight.values))
    if operand.scale is None or weight.scale is None:
        return network.constant(bias)
    scale = weight.scale.astype(np.float64) * operand.scale.scale[0]
    codes = np.clip(np.rint(bias / scale), -_INT32, _INT32)
    return network.constant(codes, ElementType.INT32, Scale(tuple(scale.tolist())))
