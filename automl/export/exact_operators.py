"""Says how to write the operators of torch that its exporter leaves out or writes as something else.

``//`` becomes a truncation there, ``divisor_override`` is dropped, and a pool to 5 of 12 pixels is refused.
Each function takes the graph under construction and the values and constants that torch's operator takes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.onnx import symbolic_opset9, symbolic_opset10, symbolic_opset11
from torch.onnx.symbolic_helper import parse_args
from torch.onnx.utils import register_custom_op_symbolic, unregister_custom_op_symbolic

from automl.export import exact_windows as windows
from automl.export.traced_values import Graph, TracedValue, constant, input_sizes, integers, sizes

_DEFAULT_SOFTPLUS_THRESHOLD = 15  # beyond it, log(1 + exp(x)) is x in float32
_INT64 = 7


@contextmanager
def exact_operators(opset: int) -> Iterator[None]:
    """Let torch's exporter know the operators of this module while the context lasts.

    Args:
        opset: Version of the standard operators of the export.
    """
    for name, write in _OPERATORS.items():
        register_custom_op_symbolic(f"aten::{name}", write, opset)
    try:
        yield
    finally:
        for name in _OPERATORS:
            unregister_custom_op_symbolic(f"aten::{name}", opset)


def _like(value: TracedValue, number: float) -> Tensor:
    """Give a number in the type of a value: ONNX mixes no types."""
    return torch.tensor(number, dtype=value.type().dtype() or torch.float32)


def _floor_divide(graph: Graph, dividend: TracedValue, divisor: TracedValue) -> TracedValue:
    """Subtract the rest before dividing, as torch does: 1.0 // 0.1 is 9, though 1.0 / 0.1 is 10."""
    dtypes = [value.type().dtype() for value in (dividend, divisor)]
    floating = [dtype for dtype in dtypes if dtype is not None and dtype.is_floating_point]
    if not floating and None not in dtypes:
        dividend, divisor = (graph.op("Cast", value, to_i=_INT64) for value in (dividend, divisor))
        return graph.op("Div", graph.op("Sub", dividend, graph.op("Mod", dividend, divisor)), divisor)
    dividend, divisor = (graph.op("Cast", value, to_i=1) for value in (dividend, divisor))
    rest = graph.op("Mod", dividend, divisor, fmod_i=1)
    zero = constant(graph, torch.tensor(0.0))
    differ = graph.op("Xor", graph.op("Less", rest, zero), graph.op("Less", divisor, zero))
    is_below = graph.op("And", differ, graph.op("Not", graph.op("Equal", rest, zero)))
    quotient = graph.op("Div", graph.op("Sub", dividend, rest), divisor)
    return graph.op("Round", graph.op("Sub", quotient, graph.op("Cast", is_below, to_i=1)))


def _div(graph: Graph, dividend: TracedValue, divisor: TracedValue, *rounding: TracedValue) -> TracedValue:
    mode = rounding[0].node().s("value") if rounding and not rounding[0].node().mustBeNone() else None
    if mode == "floor":
        return _floor_divide(graph, dividend, divisor)
    return symbolic_opset10.div(graph, dividend, divisor, *rounding)


def _squeeze(graph: Graph, value: TracedValue, *dims: TracedValue) -> TracedValue:
    """Take out what has the size 1 in the traced images, of which there are two: never their number."""
    known = sizes(next(iter(graph.original_node.inputs())))
    if not known or None in known:
        return symbolic_opset11.squeeze(graph, value, *dims)
    asked = list(range(len(known)))
    if dims:
        constant = dims[0].node()
        one_or_more = constant.t("value") if constant.kind() == "onnx::Constant" else constant.ival("value")
        asked = [int(dim) % len(known) for dim in torch.as_tensor(one_or_more).reshape(-1)]
    axes = [dim for dim in sorted(asked) if known[dim] == 1]
    return graph.op("Squeeze", value, integers(graph, *axes)) if axes else value


def _convolution(graph: Graph, value: TracedValue, weight: TracedValue, *given: TracedValue) -> TracedValue:
    """Tell the exporter the size of a kernel that is computed, which it needs and does not find out itself."""
    _, traced, *_ = graph.original_node.inputs()
    known = sizes(traced)
    if known and None not in known[2:]:
        weight.setType(weight.type().with_sizes([None, None, *known[2:]]))
    return symbolic_opset9._convolution(graph, value, weight, *given)  # noqa: SLF001 # what torch registers itself


def _trunc(graph: Graph, value: TracedValue) -> TracedValue:
    return graph.op("Mul", graph.op("Sign", value), graph.op("Floor", graph.op("Abs", value)))


def _frac(graph: Graph, value: TracedValue) -> TracedValue:
    return graph.op("Sub", value, _trunc(graph, value))


def _expm1(graph: Graph, value: TracedValue) -> TracedValue:
    return graph.op("Sub", graph.op("Exp", value), constant(graph, _like(value, 1.0)))


@parse_args("v", "f", "f")
def _threshold(graph: Graph, value: TracedValue, threshold: float, other: float) -> TracedValue:
    if threshold == other == 0:
        return graph.op("Relu", value)
    is_above = graph.op("Greater", value, constant(graph, _like(value, threshold)))
    return graph.op("Where", is_above, value, constant(graph, _like(value, other)))


@parse_args("v", "f", "f")
def _softplus(graph: Graph, value: TracedValue, beta: float, threshold: float) -> TracedValue:
    times = constant(graph, _like(value, beta))
    scaled = value if beta == 1 else graph.op("Mul", value, times)
    smooth = graph.op("Softplus", scaled)
    smooth = smooth if beta == 1 else graph.op("Div", smooth, times)
    if threshold >= _DEFAULT_SOFTPLUS_THRESHOLD:
        return smooth
    is_above = graph.op("Greater", scaled, constant(graph, _like(value, threshold)))
    return graph.op("Where", is_above, value, smooth)


@parse_args("v", "i")
def _channel_shuffle(graph: Graph, value: TracedValue, groups: int) -> TracedValue:
    _, channels, *pixels = input_sizes(graph)
    grouped = graph.op("Reshape", value, integers(graph, -1, groups, channels // groups, *pixels))
    order = [0, 2, 1, *range(3, 3 + len(pixels))]
    return graph.op("Reshape", graph.op("Transpose", grouped, perm_i=order), integers(graph, -1, channels, *pixels))


def _instance_norm(graph: Graph, value: TracedValue, *given: TracedValue) -> TracedValue:  # torch's order: see below
    weight, bias, mean, variance, use_input_stats, _, eps, *_ = given
    if mean.node().mustBeNone() or use_input_stats.node().t("value").item():
        return symbolic_opset9.instance_norm(graph, value, *given)
    channels = input_sizes(graph)[1]
    scale = constant(graph, torch.ones(channels)) if weight.node().mustBeNone() else weight
    shift = constant(graph, torch.zeros(channels)) if bias.node().mustBeNone() else bias
    epsilon = eps.node().t("value").item()
    return graph.op("BatchNormalization", value, scale, shift, mean, variance, epsilon_f=epsilon)


def _rms_norm(
    graph: Graph, value: TracedValue, shape: TracedValue, weight: TracedValue, eps: TracedValue
) -> TracedValue:
    dimensions = len(list(shape.node().inputs())) or len(shape.node().t("value"))
    epsilon = torch.finfo(torch.float32).eps if eps.node().mustBeNone() else eps.node().t("value").item()
    squares = graph.op("Mul", value, value)
    mean = graph.op("ReduceMean", squares, integers(graph, *range(-dimensions, 0)), keepdims_i=1)
    root = graph.op("Sqrt", graph.op("Add", mean, constant(graph, torch.tensor(epsilon))))
    normalised = graph.op("Div", value, root)
    return normalised if weight.node().mustBeNone() else graph.op("Mul", normalised, weight)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "_convolution": _convolution,
    "_upsample_bicubic2d_aa": windows.antialiased("bicubic"),
    "_upsample_bilinear2d_aa": windows.antialiased("bilinear"),
    "_upsample_nearest_exact2d": windows.nearest_exact,
    "adaptive_avg_pool1d": windows.adaptive_avg_pool(1),
    "adaptive_avg_pool2d": windows.adaptive_avg_pool(2),
    "adaptive_max_pool1d": windows.adaptive_max_pool(1),
    "adaptive_max_pool2d": windows.adaptive_max_pool(2),
    "avg_pool1d": windows.avg_pool1d,
    "avg_pool2d": windows.avg_pool(2),
    "avg_pool3d": windows.avg_pool(3),
    "channel_shuffle": _channel_shuffle,
    "div": _div,
    "expm1": _expm1,
    "floor_divide": _floor_divide,
    "frac": _frac,
    "instance_norm": _instance_norm,
    "rms_norm": _rms_norm,
    "softplus": _softplus,
    "squeeze": _squeeze,
    "threshold": _threshold,
    "trunc": _trunc,
}
