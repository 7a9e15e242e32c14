"""Gives the graph of a network from that of another one that differs in widths alone, in a twentieth of the time."""

from collections.abc import Mapping
from math import prod

import numpy as np
import onnx
from onnx import TensorProto, helper

from automl.export.torch_graph import MarkedGraph

_NUMBERS = np.random.default_rng(0).uniform(0.5, 1.5, 1 << 16).astype(np.float16).astype(np.float32)
"""Such as half precision has: in a network that is rounded to it, there are no others."""

Shapes = Mapping[str, tuple[int, ...]]
"""Of the parameters and buffers of a network, by name."""


class GraphTemplate:
    """A graph whose weights are yet to be filled in; their values will be made up.

    Args:
        marked: The graph of one network; taken over.
        shapes: Of that network.
    """

    def __init__(self, marked: MarkedGraph, shapes: Shapes) -> None:
        self._model, self._modules = marked
        self._weights = [tensor.name for tensor in self._model.graph.initializer if tensor.name in shapes]
        for tensor in self._model.graph.initializer:
            if tensor.name in shapes:
                tensor.ClearField("raw_data")

    @staticmethod
    def fits(marked: MarkedGraph, shapes: Shapes) -> bool:
        """Say whether all that depends on the widths of a network is a weight in its graph, stored as it is."""
        graph = marked.model.graph
        constants = [node.attribute[0].t for node in graph.node if node.op_type == "Constant"]
        return all(prod(tensor.dims) == 1 for tensor in constants) and all(
            shapes.get(tensor.name) == tuple(tensor.dims) for tensor in graph.initializer if prod(tensor.dims) > 1
        )

    def resized(self, shapes: Shapes, groups: Mapping[str, int]) -> MarkedGraph:
        """Fill in weights of other shapes.

        Args:
            shapes: Of the other network.
            groups: Of its convolutions, by the name of the weight.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for tensor in model.graph.initializer:
            if tensor.name in shapes:
                _fill(tensor, shapes[tensor.name], start=self._weights.index(tensor.name))
        for node in model.graph.node:
            if node.op_type == "Conv" and node.input[1] in groups:
                kept = [attribute for attribute in node.attribute if attribute.name != "group"]
                del node.attribute[:]
                node.attribute.extend([*kept, helper.make_attribute("group", groups[node.input[1]])])
        return MarkedGraph(model, {tensor: list(names) for tensor, names in self._modules.items()})


def _fill(tensor: TensorProto, shape: tuple[int, ...], *, start: int) -> None:
    """Write numbers of which no two tensors have the same, since equal ones are stored once."""
    del tensor.dims[:]
    tensor.dims.extend(shape)
    tensor.raw_data = np.resize(np.roll(_NUMBERS, start * 97), prod(shape)).tobytes()
