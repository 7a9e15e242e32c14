"""Leaves in float what int8 would make slower: a layer at a time, by what kernels and the casts between them take."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np
import onnx
from torch import nn

from automl.core.image import ImageShape
from automl.core.quantization import ActivationQuantization, Quantization
from automl.export.kernel_costs import Shapes, cast_cost, kernel_cost, reorder_cost
from automl.export.tensor_scales import settle_scales
from automl.export.tensor_shapes import tensor_shapes
from automl.export.torch_graph import NORMALISED, torch_graph

_CLAMPS = {"Clip", "Relu"}
_NEVER = 10_000_000.0
"""Microseconds of what cannot be."""

_NS = 1000

_WORTH = 0.85
"""Share of the time in int8 that a file must be predicted to take, for layers to stay in float: predictions of casts
around small layers are too low by about so much (MobileNetV3 and EfficientNet-B0, benchmarks/int8_speed.py)."""

_AS_FAST = 1.05
"""What the whole file may be predicted to take in float, as a multiple of the best mixture, to be left in float."""

_ANY_GRID = ActivationQuantization(1.0, 0)


def paying(model: nn.Module, quantization: Quantization, image_shape: ImageShape) -> Quantization:
    """Keep the grids of activations that make the file faster in ONNX Runtime on a processor.

    Every operator is put on one of two sides, float or int8, so that the sum of what the operators take there and of
    the casts between the sides is least: a minimum cut. Where that saves less than a seventh of the time with all in
    int8, all stays in int8; where float alone is as fast, all stays in float. A layer in float keeps its weights on
    their grid, and the file stores their codes; the runtime turns them into float32 while it loads.

    Args:
        model: With batch normalisation folded; it is left as it is.
        quantization: Of the model.
        image_shape: Shape of one image.

    Returns:
        The quantization with the outputs that are worth a grid.
    """
    if not quantization.outputs:
        return quantization
    marked = torch_graph(model, image_shape, marked={**quantization.weights, **quantization.outputs})
    graph = marked.model.graph
    clamped = {node.output[0]: node.input[0] for node in graph.node if node.op_type in _CLAMPS}
    given = [(tensor, name) for tensor, names in marked.modules.items() for name in reversed(names)]
    grids = {tensor: quantization.outputs[name] for tensor, name in given if name in quantization.outputs}
    scales = settle_scales(graph, {NORMALISED: _ANY_GRID, **grids})
    kept = _on_grids(graph, tensor_shapes(marked.model), scales)
    produced = {NORMALISED, *(name for node in graph.node for name in node.output)}
    needed = {name for tensor, name in given if (tensor if tensor in produced else clamped.get(tensor)) in kept}
    outputs = {name: grid for name, grid in quantization.outputs.items() if name in needed}
    return replace(quantization, outputs=outputs)


class _Wire(NamedTuple):
    """A tensor on its way from what gives it to what reads it; None stands for the image, and for the logits."""

    tensor: str
    giver: int | None
    reader: int


def _on_grids(graph: onnx.GraphProto, shapes: Shapes, scales: Mapping[str, ActivationQuantization]) -> set[str]:
    """Name the tensors that stay on their grids."""
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    constants = {tensor.name for tensor in graph.initializer}
    wires = list(_wires(nodes))
    integer, real = len(nodes), len(nodes) + 1
    capacities: dict[tuple[int, int], float] = {}

    def add(start: int, end: int, cost: float) -> None:
        capacities[start, end] = capacities.get((start, end), 0.0) + cost

    for place, node in enumerate(nodes):
        cost = kernel_cost(node, shapes)
        computed = [name for name in node.input if name and name not in constants and name in shapes]
        can = cost.integer is not None and all(name in scales for name in computed[: _tensor_inputs(node)])
        can = can and (node.op_type == "Gemm" or all(name in scales for name in node.output if name))
        add(place, real, cost.integer if can and cost.integer is not None else _NEVER)
        add(integer, place, cost.real)
    for wire in wires:
        values = prod(shapes.get(wire.tensor, (1,)))
        giver = integer if wire.giver is None else wire.giver
        add(giver, wire.reader, cast_cost(values, nodes[wire.reader]))
        if wire.giver is not None:
            add(wire.reader, giver, cast_cost(values, nodes[wire.giver]))
            add(integer, giver, reorder_cost(values, nodes[wire.giver], nodes[wire.reader]))
    in_integers = _nearer(capacities, integer, real)
    most = {integer, *(place for place in range(len(nodes)) if capacities[place, real] < _NEVER)}
    if _cost(capacities, in_integers) > _WORTH * _cost(capacities, most):
        in_integers = most
    if _cost(capacities, {integer}) < _AS_FAST * _cost(capacities, in_integers):
        in_integers = {integer}
    kept = {name for place in in_integers if place < len(nodes) for name in nodes[place].output}
    read = {wire.tensor for wire in wires if wire.reader in in_integers}
    return (kept | read) & scales.keys()


def _tensor_inputs(node: onnx.NodeProto) -> int | None:
    """Count the inputs that must be on a grid: None for all, where an operator combines what is computed."""
    return 1 if node.op_type in {"Conv", "Gemm", "Reshape", "Slice", "Split", "Squeeze", "Unsqueeze"} else None


def _wires(nodes: list[onnx.NodeProto]) -> Iterator[_Wire]:
    givers: dict[str, int | None] = {NORMALISED: None}
    givers |= {name: place for place, node in enumerate(nodes) for name in node.output}
    for place, node in enumerate(nodes):
        for name in dict.fromkeys(node.input):
            if name in givers:
                yield _Wire(name, givers[name], place)


def _cost(capacities: Mapping[tuple[int, int], float], near: set[int]) -> float:
    """Add up what is cut between some vertices and the others."""
    return sum(cost for (start, end), cost in capacities.items() if start in near and end not in near)


def _nearer(capacities: Mapping[tuple[int, int], float], source: int, sink: int) -> set[int]:
    """Cut a graph where that costs least, and give what stays with the source."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    size = max(source, sink) + 1
    rows, columns = np.array(list(capacities)).T
    costs = np.array([min(round(cost * _NS), int(_NEVER * _NS) // 10) for cost in capacities.values()], np.int32)
    costs_between = csr_matrix((costs, (rows, columns)), shape=(size, size), dtype=np.int32)
    left = costs_between - maximum_flow(costs_between, source, sink).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached: set[int] = set(breadth_first_order(left, source, return_predecessors=False).tolist())
    return reached
