"""Puts right what torch's exporter leaves behind, before anything else looks at the graph."""

import onnx
from onnx import helper

from automl.errors import InfeasibleError
from automl.export.subgraphs import every_node

_AT_RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


def tidy(graph: onnx.GraphProto) -> None:
    """Rewrite a float32 graph in place to one that computes the same in every runtime.

    Weights that are equal are read under one name: the exporter names the others by nodes. Paddings stand as numbers:
    ONNX Runtime refuses ``SAME_UPPER`` beside a dilation.

    Raises:
        InfeasibleError: If the network answers at random.
    """
    for node in every_node(graph):
        if node.op_type in _AT_RANDOM or (node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]):
            raise InfeasibleError(
                f"the network draws random numbers in evaluation mode, too ({node.op_type} at {node.name!r}), so it "
                "has no answer that a file could give; let it do so in training alone, as with F.dropout(x, p, "
                "self.training)"
            )
    _name_weights_once(graph)
    ranks = {tensor.name: tensor.dims for tensor in graph.initializer}
    for node in every_node(graph):
        if node.op_type == "Conv":
            _write_padding(node, list(ranks.get(node.input[1], ()))[2:])


def _name_weights_once(graph: onnx.GraphProto) -> None:
    same = {tensor.name: tensor.name for tensor in graph.initializer}
    outputs = {output.name for output in graph.output}
    for node in list(graph.node):
        if node.op_type == "Identity" and node.input[0] in same and node.output[0] not in outputs:
            same[node.output[0]] = same[node.input[0]]
            graph.node.remove(node)
    for node in every_node(graph):
        node.input[:] = [same.get(name, name) for name in node.input]


def _write_padding(node: onnx.NodeProto, kernel: list[int]) -> None:
    """Say how many pixels ``auto_pad`` adds: as many as a window is wider than one, half of them on each side."""
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    mode = given.get("auto_pad", b"NOTSET")
    if mode == b"NOTSET":
        return
    dilations = given.get("dilations", [1] * len(kernel))
    added = [step * (size - 1) if mode != b"VALID" else 0 for step, size in zip(dilations, kernel, strict=True)]
    before = [(pixels + (mode == b"SAME_LOWER")) // 2 for pixels in added]
    kept = [attribute for attribute in node.attribute if attribute.name not in {"auto_pad", "pads"}]
    del node.attribute[:]
    pads = [*before, *(pixels - first for pixels, first in zip(added, before, strict=True))]
    node.attribute.extend([*kept, helper.make_attribute("pads", pads)])
