"""Takes out of an ONNX model what only a reader would miss: in a network of a few kilobytes, names are a third."""

import itertools
import string
from collections import Counter
from collections.abc import Iterator

import onnx
from onnx import TensorProto, defs, numpy_helper

from automl.export.subgraphs import every_node, graphs_of

_ALL_ONES_BY_DEFAULT = {"dilations", "strides"}
_ALL_ZEROS_BY_DEFAULT = {"pads"}


def compact(model: onnx.ModelProto) -> None:
    """Shrink a model in place; what it computes, its input and its outputs stay.

    Constants become initialisers, equal initialisers become one, attributes that state the default go,
    zeros lose their sign, and tensors get the shortest names that are free.
    """
    graph = model.graph
    _turn_constants_into_initializers(graph)
    _drop_signs_of_zeros(graph)
    _merge_equal_initializers(graph)
    for node in every_node(graph):
        _drop_defaults(node)
        node.ClearField("name")
        node.ClearField("doc_string")
        del node.metadata_props[:]
        for inner in graphs_of(node):
            del inner.value_info[:]
    _rename_tensors(graph)
    del graph.value_info[:]
    del model.metadata_props[:]
    model.ClearField("producer_name")
    model.ClearField("producer_version")
    graph.name = "g"


def _turn_constants_into_initializers(graph: onnx.GraphProto) -> None:
    for node in [node for node in graph.node if node.op_type == "Constant" and node.attribute[0].name == "value"]:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)


def _drop_signs_of_zeros(graph: onnx.GraphProto) -> None:
    """Store -0.0 as 0.0: a pruned weight that was negative would cost the bit of its sign once the file is coded."""
    for tensor in graph.initializer:
        if tensor.data_type in {TensorProto.FLOAT, TensorProto.FLOAT16} and tensor.raw_data:
            tensor.raw_data = (numpy_helper.to_array(tensor) + 0).tobytes()


def _merge_equal_initializers(graph: onnx.GraphProto) -> None:
    first_names: dict[bytes, str] = {}
    merged: dict[str, str] = {}
    used = {name for node in every_node(graph) for name in node.input} | {output.name for output in graph.output}
    kept: list[onnx.TensorProto] = []
    for tensor in graph.initializer:
        name = tensor.name
        if name not in used:  # an equal one that is used must not be merged into it
            continue
        tensor.ClearField("name")
        key = tensor.SerializeToString(deterministic=True)
        merged[name] = first_names.setdefault(key, name)
        tensor.name = name
        if merged[name] == name:
            kept.append(_with_short_integers(tensor))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for node in every_node(graph):
        node.input[:] = [merged.get(name, name) for name in node.input]


def _with_short_integers(tensor: onnx.TensorProto) -> onnx.TensorProto:
    if tensor.data_type != TensorProto.INT64:
        return tensor
    values = numpy_helper.to_array(tensor).reshape(-1).tolist()
    return TensorProto(name=tensor.name, data_type=TensorProto.INT64, dims=tensor.dims, int64_data=values)


def _drop_defaults(node: onnx.NodeProto) -> None:
    if node.domain:
        return
    declared = defs.get_schema(node.op_type).attributes
    for attribute in list(node.attribute):
        name = attribute.name
        value = onnx.helper.get_attribute_value(attribute)
        default = declared[name].default_value
        is_default = (
            (name in _ALL_ONES_BY_DEFAULT and set(value) == {1})
            or (name in _ALL_ZEROS_BY_DEFAULT and set(value) == {0})
            or (node.op_type == "Conv" and name == "kernel_shape")  # the weight says it
            or (default.type != onnx.AttributeProto.UNDEFINED and value == onnx.helper.get_attribute_value(default))
        )
        if is_default:
            node.attribute.remove(attribute)


def _rename_tensors(graph: onnx.GraphProto) -> None:
    public = {value.name for value in (*graph.input, *graph.output)}
    nodes = list(every_node(graph))
    uses = Counter(name for node in nodes for name in (*node.input, *node.output) if name not in public)
    del uses[""]  # an optional input that is left out
    short = (name for name in _short_names() if name not in public)
    names = {name: next(short) for name, _ in uses.most_common()}
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    graphs = [graph, *(inner for node in nodes for inner in graphs_of(node))]
    for tensor in (tensor for each in graphs for tensor in each.initializer):
        tensor.name = names[tensor.name]
    for value in (value for each in graphs[1:] for value in (*each.input, *each.output)):
        value.name = names[value.name]


def _short_names() -> Iterator[str]:
    for length in itertools.count(1):
        yield from map("".join, itertools.product(string.ascii_letters, repeat=length))
