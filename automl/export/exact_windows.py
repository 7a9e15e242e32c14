"""Writes pools and resizings, whose windows torch's exporter and ONNX Runtime count in other ways than torch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.onnx.symbolic_helper import parse_args

from automl.export.traced_values import Graph, TracedValue, constant, input_sizes, integers, output_sizes

_POOLS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _expanded(values: Sequence[int], count: int) -> list[int]:
    return list(values) * count if len(values) == 1 else list(values)


def _average_pool(
    graph: Graph,
    value: TracedValue,
    window: tuple[list[int], list[int], list[int]],
    *,
    ceil_mode: bool,
    counts_padding: bool,
    divisor: int | None = None,
) -> TracedValue:
    """Write an average over the pixels that are there, times what torch divides by instead of their number.

    ONNX Runtime's int8 kernel divides by the whole window where one reaches over the border, so the number of pixels
    that are there is the only divisor that all its kernels agree on, but for windows that all lie within the padding.
    """
    kernel, stride, padding = window
    dimensions = len(kernel)
    ones = torch.ones(1, 1, *input_sizes(graph)[-dimensions:])
    pool: Callable[..., Tensor] = _POOLS[dimensions]
    reaches_over = ceil_mode and pool(ones, *window, True).shape != pool(ones, *window, False).shape
    attributes = {"kernel_shape_i": kernel, "strides_i": stride, "pads_i": padding * 2}
    if divisor is None and not reaches_over:
        return graph.op("AveragePool", value, count_include_pad_i=int(counts_padding), **attributes)
    given = {} if divisor is None else {"divisor_override": divisor}
    factors = pool(ones, *window, ceil_mode, counts_padding, **given)
    pooled = graph.op("AveragePool", value, ceil_mode_i=int(reaches_over), **attributes)
    if bool((factors == 1).all()):
        return pooled
    is_one_factor = bool((factors == factors.flatten()[0]).all())
    return graph.op("Mul", pooled, constant(graph, factors.flatten()[0] if is_one_factor else factors))


def _window(dimensions: int, *sizes: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    kernel, stride, padding = (_expanded(size, dimensions) for size in sizes)
    return kernel, stride or kernel, padding


@parse_args("v", "is", "is", "is", "i", "i")
def avg_pool1d(  # noqa: PLR0917 # as torch calls it
    graph: Graph, value: TracedValue, kernel: list[int], stride: list[int], padding: list[int], ceil: int, counts: int
) -> TracedValue:
    """Write an average over windows of a vector."""
    window = _window(1, kernel, stride, padding)
    return _average_pool(graph, value, window, ceil_mode=bool(ceil), counts_padding=bool(counts))


def avg_pool(dimensions: int) -> Callable[..., TracedValue]:
    """Give what writes an average over windows of so many dimensions."""

    @parse_args("v", "is", "is", "is", "i", "i", "i")
    def write(  # noqa: PLR0917 # as torch calls it
        graph: Graph,
        value: TracedValue,
        kernel: list[int],
        stride: list[int],
        padding: list[int],
        ceil: int,
        counts: int,
        divisor: int | None,
    ) -> TracedValue:
        window = _window(dimensions, kernel, stride, padding)
        return _average_pool(graph, value, window, ceil_mode=bool(ceil), counts_padding=bool(counts), divisor=divisor)

    return write


def adaptive_avg_pool(dimensions: int) -> Callable[..., TracedValue]:
    """Give what writes an average to a stated size, also one that is no divisor of the size before."""

    def write(graph: Graph, value: TracedValue, _size: object) -> TracedValue:
        before, after = input_sizes(graph)[-dimensions:], output_sizes(graph)[-dimensions:]
        if after == [1] * dimensions:
            return graph.op("GlobalAveragePool", value)
        if all(size % count == 0 for size, count in zip(before, after, strict=True)):
            kernel = [size // count for size, count in zip(before, after, strict=True)]
            return graph.op("AveragePool", value, kernel_shape_i=kernel, strides_i=kernel)
        matrices = [
            functional.adaptive_avg_pool1d(torch.eye(size)[None], count)[0].T
            for size, count in zip(before, after, strict=True)
        ]
        return _times(graph, value, matrices)

    return write


def _times(graph: Graph, value: TracedValue, matrices: list[Tensor]) -> TracedValue:
    """Multiply rows and columns by a matrix (new size, old size) each, the last one for the last dimension."""
    value = graph.op("MatMul", value, constant(graph, matrices[-1].T.contiguous()))
    return value if len(matrices) == 1 else graph.op("MatMul", constant(graph, matrices[0].contiguous()), value)


def adaptive_max_pool(dimensions: int) -> Callable[..., tuple[TracedValue, None]]:
    """Give what writes the largest values to a stated size; their places are not written."""

    def write(graph: Graph, value: TracedValue, _size: object) -> tuple[TracedValue, None]:
        before, after = input_sizes(graph)[-dimensions:], output_sizes(graph)[-dimensions:]
        if all(size % count == 0 for size, count in zip(before, after, strict=True)):
            kernel = [size // count for size, count in zip(before, after, strict=True)]
            return graph.op("MaxPool", value, kernel_shape_i=kernel, strides_i=kernel), None
        for axis, size, count in zip(range(-dimensions, 0), before, after, strict=True):
            value = _largest_of_parts(graph, value, axis, size, count)
        return value, None

    return write


def _largest_of_parts(graph: Graph, value: TracedValue, axis: int, size: int, count: int) -> TracedValue:
    parts = []
    for place in range(count):
        start, end = place * size // count, -(-(place + 1) * size // count)
        part = graph.op("Slice", value, integers(graph, start), integers(graph, end), integers(graph, axis))
        parts.append(graph.op("ReduceMax", part, integers(graph, axis), keepdims_i=1))
    return graph.op("Concat", *parts, axis_i=axis)


def _scales(graph: Graph, dimensions: int) -> list[float | None]:
    """Read the scale factors of a resizing, in double precision; None where its sizes say it all."""
    factors = list(graph.original_node.inputs())[-1].toIValue()
    return [None] * dimensions if factors is None else [float(factor) for factor in factors]


def _resized(rows: Tensor, size: int, scale: float | None, **how: Any) -> Tensor:  # noqa: ANN401 # of interpolate
    if scale is None:
        return functional.interpolate(rows, size=(size, rows.shape[-1]), **how)
    return functional.interpolate(rows, scale_factor=(scale, 1.0), recompute_scale_factor=False, **how)


def nearest_exact(graph: Graph, value: TracedValue, _size: object, _factors: object) -> TracedValue:
    """Write a resizing that takes the pixel under the middle of the new one."""
    before, after = input_sizes(graph)[-2:], output_sizes(graph)[-2:]
    for axis, size, count, scale in zip((2, 3), before, after, _scales(graph, 2), strict=True):
        pixels = torch.arange(size, dtype=torch.float32)[None, None, :, None]
        chosen = _resized(pixels, count, scale, mode="nearest-exact").flatten().long()
        value = graph.op("Gather", value, constant(graph, chosen), axis_i=axis)
    return value


def antialiased(mode: str) -> Callable[..., TracedValue]:
    """Give what writes a smooth resizing that averages where it makes smaller, as matrices."""

    @parse_args("v", "none", "b", "none")
    def write(graph: Graph, value: TracedValue, _size: object, aligns: bool, _factors: object) -> TracedValue:
        before, after = input_sizes(graph)[-2:], output_sizes(graph)[-2:]
        how = {"mode": mode, "align_corners": bool(aligns), "antialias": True}
        matrices = [
            _resized(torch.eye(size)[None, None], count, scale, **how)[0, 0]
            for size, count, scale in zip(before, after, _scales(graph, 2), strict=True)
        ]
        return _times(graph, value, matrices)

    return write
