"""What a function that writes an operator for torch's exporter reads and writes: its graph has no public types."""

from typing import Any

import torch
from torch import Tensor

Graph = Any
"""The graph under construction, with the node of torch's own graph that is being written."""

TracedValue = Any
"""A value of either graph."""


def sizes(value: TracedValue) -> list[int | None]:
    """Give the sizes of a value of torch's own graph, in which those of the traced images stand."""
    known = value.type().varyingSizes() if value.isCompleteTensor() or value.type().kind() == "TensorType" else None
    return list(known or ())


def input_sizes(graph: Graph) -> list[int]:
    """Give the sizes of the first input of the operator that is being written; 0 where one is not known."""
    return [size or 0 for size in sizes(next(iter(graph.original_node.inputs())))]


def output_sizes(graph: Graph) -> list[int]:
    """Give the sizes of its first output; 0 where one is not known."""
    return [size or 0 for size in sizes(next(iter(graph.original_node.outputs())))]


def constant(graph: Graph, value: Tensor) -> TracedValue:
    """Write a tensor into the graph."""
    return graph.op("Constant", value_t=value)


def integers(graph: Graph, *values: int) -> TracedValue:
    """Write a vector of whole numbers into the graph."""
    return constant(graph, torch.tensor(values, dtype=torch.int64))
