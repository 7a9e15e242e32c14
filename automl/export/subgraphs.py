"""Walks through the nodes of a graph and of the graphs inside them: the branches of an ``If`` read outer tensors."""

from collections.abc import Iterator

import onnx


def every_node(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Give the nodes of a graph, each one followed by those inside it."""
    for node in graph.node:
        yield from with_inner(node)


def with_inner(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Give a node and those inside it."""
    yield node
    for graph in graphs_of(node):
        yield from every_node(graph)


def graphs_of(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Give the graphs right inside a node."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
