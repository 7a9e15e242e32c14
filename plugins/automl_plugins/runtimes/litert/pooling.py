"""Translates pooling: the highest or the mean value of each window, or of the whole image."""

import numpy as np
import onnx
from onnx import helper

from automl.errors import ConversionError
from automl_plugins.runtimes.litert.flatbuffer import Activation, ElementType, Padding
from automl_plugins.runtimes.litert.network import Network, Value
from automl_plugins.runtimes.litert.windows import Window, bordered, with_border


def max_pool(node: onnx.NodeProto, network: Network) -> None:
    """Translate MaxPool."""
    image = network.channels_last(network.value(node.input[0]))
    if image.scale != network.source.kept_scale(node.output[0]):
        image = network.real(image)
    window, shape = _pool_window(node, image, network)
    image, padding = bordered(network, image, window, lowest=True)
    _add_pool("MAX_POOL_2D", node, network, (image, window, padding), shape)


def average_pool(node: onnx.NodeProto, network: Network) -> None:
    """Translate AveragePool.

    Raises:
        ConversionError: If it counts the pixels of the border in a way that LiteRT does not know.
    """
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    counts_border = bool(attributes.get("count_include_pad", 0))
    image = network.channels_last(network.value(node.input[0]))
    if image.scale != network.source.kept_scale(node.output[0]):
        image = network.real(image)
    window, shape = _pool_window(node, image, network)
    bordered_image, padding = bordered(network, image, window)
    if counts_border and padding is Padding.SAME:
        bordered_image, padding = with_border(network, image, window), Padding.VALID
    if window.has_border and (not counts_border or attributes.get("ceil_mode", 0)) and padding is Padding.VALID:
        raise ConversionError("the network has an AveragePool whose border LiteRT counts otherwise; deploy model.onnx")
    _add_pool("AVERAGE_POOL_2D", node, network, (bordered_image, window, padding), shape)


def average(node: onnx.NodeProto, network: Network) -> None:
    """Translate GlobalAveragePool, and ReduceMean over rows and columns.

    Raises:
        ConversionError: If a ReduceMean goes over other axes.
    """
    source = network.source
    image = network.value(node.input[0])
    if node.op_type == "ReduceMean" and (len(image.shape) != 4 or _mean_axes(node, network) != {2, 3}):
        raise ConversionError("the network has a ReduceMean over other axes than rows and columns; deploy model.onnx")
    image = network.channels_last(image)
    scale = source.kept_scale(node.output[0])
    if image.scale is None or scale is None:
        image, scale = network.real(image), None
    keeps = len(source.shape(node.output[0])) == 4
    shape = (1, 1, 1, image.shape[3]) if keeps else (1, image.shape[3])
    axes = network.constant(np.array([1, 2]), ElementType.INT32)
    options = {"keepDims": int(keeps)}
    pooled = network.add("MEAN", (image, axes), shape, scale=scale, is_channels_last=keeps, options=options)
    network.bind(node.output[0], pooled)


def _mean_axes(node: onnx.NodeProto, network: Network) -> set[int]:
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    axes = network.source.constant(node.input[1]).tolist() if len(node.input) > 1 else attributes.get("axes", ())
    return {axis % 4 for axis in axes}


def _pool_window(node: onnx.NodeProto, image: Value, network: Network) -> tuple[Window, tuple[int, ...]]:
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    _, channels, height, width = network.source.shape(node.output[0])
    window = Window.of(node, attributes["kernel_shape"], image.shape[1:3], (height, width))
    if window.dilations != (1, 1):
        raise ConversionError(f"the network has a {node.op_type} with gaps in its window; deploy model.onnx")
    return window, (1, height, width, channels)


def _add_pool(
    kind: str,
    node: onnx.NodeProto,
    network: Network,
    operand: tuple[Value, Window, Padding],
    shape: tuple[int, ...],
) -> None:
    image, window, padding = operand
    options = {
        **window.options,
        "padding": padding,
        "filterHeight": window.kernel[0],
        "filterWidth": window.kernel[1],
        "fusedActivationFunction": Activation.NONE,
    }
    pooled = network.add(kind, (image,), shape, scale=image.scale, is_channels_last=True, options=options)
    network.bind(node.output[0], pooled)
