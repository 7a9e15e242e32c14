"""What ONNX Runtime's kernels take on one thread in float and in int8, and what a cast between the two takes.

The numbers are fits to ``benchmarks/kernel_costs.py`` (onnxruntime 1.31 on a Zen 4 with AVX512-VNNI): half of the
layers lie within a fifth of what was measured, nine of ten between 0.4 and 1.4 times. Ratios matter here, not times.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

import onnx
from onnx import helper

Shapes = Mapping[str, tuple[int, ...]]
"""Of tensors, without the batch; of weights, whole."""


class KernelCost(NamedTuple):
    """Microseconds of one operator for one image.

    Attributes:
        real: In float32.
        integer: In int8; None where the runtime has no such kernel.
    """

    real: float
    integer: float | None


_LANES = 16
"""Channels that a kernel computes at once."""

_NARROW_NS = 6.0
"""What a pixel costs beside, where channels do not fill the lanes."""

_PER_VALUE_NS = {
    "Add": (0.17, 0.15),
    "AveragePool": (0.3, 0.3),
    "Concat": (0.1, 0.15),
    "GlobalAveragePool": (0.1, 0.1),
    "LeakyRelu": (0.2, 0.26),
    "MaxPool": (0.3, 0.1),
    "Mul": (0.17, 0.22),
    "Sigmoid": (0.43, 0.26),
}
"""Of elementwise operators and pools, in float and in int8, beside what each call takes."""

_MOVES = {"Flatten", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
_CALL_US = 0.45
_CAST_NS = 0.13
_LAYOUT_NS, _LAYOUT_US = 0.5, 1.5
_IN_BLOCKS = {"AveragePool", "Conv", "GlobalAveragePool", "MaxPool"}
_TAKES_BLOCKS = _IN_BLOCKS | {"Add", "Clip", "Concat", "Relu"}


def kernel_cost(node: onnx.NodeProto, shapes: Shapes) -> KernelCost:
    """Estimate what an operator takes for one image.

    Args:
        node: Of a float32 graph.
        shapes: Of its tensors.
    """
    given, output = shapes.get(node.input[0], ()) if node.input else (), shapes.get(node.output[0], ())
    values = max(prod(given), prod(output))
    if node.op_type == "Conv" and len(output) == 3 and len(shapes.get(node.input[1], ())) == 4:
        return _convolution(node, given, output, shapes[node.input[1]])
    if node.op_type == "Gemm" and given and output:
        products = given[-1] * output[-1]
        return KernelCost(0.52 + 0.00005 * products, 0.69 + 0.000024 * products)
    if node.op_type in _MOVES:
        return KernelCost(_CALL_US + 0.0001 * values, _CALL_US + 0.00005 * values)
    real_ns, integer_ns = _PER_VALUE_NS.get(node.op_type, (0.4, None))
    integer = None if integer_ns is None else _CALL_US + integer_ns / 1000 * values
    return KernelCost(_CALL_US + real_ns / 1000 * values, integer)


def cast_cost(values: int, reader_or_writer: onnx.NodeProto) -> float:
    """Estimate the microseconds of a cast of a tensor between float and int8, for one image.

    Args:
        values: Of the tensor.
        reader_or_writer: What computes with it in float: convolutions and pools also want their channels in blocks.
    """
    layout = _LAYOUT_US + _LAYOUT_NS / 1000 * values if reader_or_writer.op_type in _IN_BLOCKS else 0.0
    return _CALL_US + _CAST_NS / 1000 * values + layout


def reorder_cost(values: int, giver: onnx.NodeProto, reader: onnx.NodeProto) -> float:
    """Estimate the microseconds in which float channels go into blocks, or out of them, between two operators.

    Args:
        values: Of the tensor.
        giver: What gives it.
        reader: What reads it.
    """
    kinds = {giver.op_type, reader.op_type}
    is_changed = bool(kinds & _IN_BLOCKS) and not kinds <= _TAKES_BLOCKS
    return _CALL_US + _LAYOUT_NS / 1000 * values if is_changed else 0.0


def _convolution(
    node: onnx.NodeProto, given: Sequence[int], output: Sequence[int], weight: Sequence[int]
) -> KernelCost:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    groups, window = int(attributes.get("group", 1)), prod(weight[2:])
    pixels, channels = prod(output[1:]), output[0]
    touched = pixels * window * _share_inside(given[1:], weight[2:], attributes)
    lanes = -(-channels // _LANES) * _LANES
    if groups == channels > 1:
        real = 0.44 + (0.11 * pixels * channels + 0.028 * touched * lanes) / 1000
        return KernelCost(real, 1.06 + 0.057 * pixels * window * channels / 1000)
    inputs = weight[1]
    padded, weights = -(-inputs // 4) * 4 * lanes, window * inputs * channels
    is_narrow = groups == 1 and min(inputs, channels) < _LANES
    aside = _NARROW_NS * pixels if is_narrow else 0.0
    real_ns = 0.045 * inputs * groups * touched + 0.019 * touched * padded + 0.03 * weights
    place_ns = 2.5 if is_narrow else (0.12 if window > 1 else 0.06) * inputs * groups  # of gathering the patches
    integer_ns = aside + 0.062 * pixels * channels + place_ns * pixels * window
    integer_ns += 0.0024 * pixels * window * padded + 0.021 * weights
    return KernelCost(0.56 + (real_ns + (aside if window == 1 else 0.0)) / 1000, 0.79 + integer_ns / 1000)


def _share_inside(image: Sequence[int], window: Sequence[int], attributes: Mapping[str, object]) -> float:
    """Give the share of a window's places that lie within the image: float kernels skip the others."""
    strides, pads = attributes.get("strides", [1, 1]), attributes.get("pads", [0, 0, 0, 0])
    shares = []
    for axis, (size, length) in enumerate(zip(image, window, strict=True)):
        stride, before, after = strides[axis], pads[axis], pads[axis + 2]  # type: ignore[index] # ONNX's own lists
        starts = range(-before, max(size + after - length, -before) + 1, stride)
        inside = [min(start + length, size) - max(start, 0) for start in starts]
        shares.append(sum(inside) / (len(inside) * length))
    return prod(shares)
