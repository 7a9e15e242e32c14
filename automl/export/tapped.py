"""Lets the quantized tensors of a deployed graph be read, to find where it departs from the simulated network."""

from typing import NamedTuple

import onnx
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization
from automl.export.qdq import insert_qdq
from automl.export.torch_graph import torch_graph

_CLAMPS = {"Clip", "Relu"}


class TappedGraph(NamedTuple):
    """The deployed graph, with further outputs.

    Attributes:
        content: An ONNX model, before what a runtime does not need is taken out of it.
        tensors: Name of the further output of each quantized module, in the order in which they run.
    """

    content: bytes
    tensors: dict[str, str]


def tapped_graph(
    model: nn.Module, *, image_shape: ImageShape, normalization: Normalization, quantization: Quantization
) -> TappedGraph:
    """Export a network as for deployment, and let the output of every quantized module be read.

    Args:
        model: As for ``export_onnx``.
        image_shape: Shape of one image.
        normalization: Of the images.
        quantization: Scales and widths by module.
    """
    marked = torch_graph(model, image_shape, marked={**quantization.weights, **quantization.outputs})
    graph = marked.model.graph
    clamped = {node.output[0]: node.input[0] for node in graph.node if node.op_type in _CLAMPS}
    insert_qdq(marked, ActivationQuantization(normalization.scale, normalization.zero_point), quantization)
    produced = {output: place for place, node in enumerate(graph.node) for output in node.output}
    found: list[tuple[str, str]] = []
    for tensor, names in marked.modules.items():
        kept = tensor if tensor in produced else clamped.get(tensor, "")  # an idle clamp has left the graph
        found += [(name, kept) for name in names if name in quantization.outputs and kept in produced]
    tensors: dict[str, str] = {}
    for name, kept in sorted(found, key=lambda item: produced[item[1]]):
        tensors.setdefault(name, kept)  # a module that runs twice is read where it first ran
    present = {output.name for output in graph.output}
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in {*tensors.values()} - present)
    return TappedGraph(marked.model.SerializeToString(), tensors)
