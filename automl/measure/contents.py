"""Counts what a deployed file holds, by its weights and not by what made it: channels, zeros, bits, bytes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.onnx_session import open_session

_LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


@dataclass(frozen=True)
class LayerContents:
    """The weight of one layer, as stored.

    Attributes:
        operator: What the runtime runs: ``Conv``, ``ConvTranspose``, ``Gemm`` or ``MatMul``.
        shape: Of the weight; a convolution's output channels come first.
        zeros: Weights that are exactly zero.
        bits: The least width that tells the stored codes apart; 16 where the weight is stored in half precision,
            None where it is float32.
        stored_bytes: What the weight takes in the file, its scales not counted.
    """

    operator: str
    shape: tuple[int, ...]
    zeros: int
    bits: int | None
    stored_bytes: int

    @property
    def is_convolution(self) -> bool:
        """Whether the layer slides over its input."""
        return self.operator in {"Conv", "ConvTranspose"}

    @property
    def size(self) -> int:
        """Number of weights."""
        return math.prod(self.shape)


def file_contents(path: Path) -> list[LayerContents]:
    """Read the layers of a file, in the order in which they run.

    Codes that the file computes while it loads, such as unpacked planes of bits, are counted as the runtime
    computes them. Bits count the codes that occur: a weight with few elements has few, whatever its width.

    Args:
        path: An ONNX file with one input.
    """
    model = onnx.load(path)
    graph = _ConstantGraph(model.graph)
    layers = [node for node in model.graph.node if node.op_type in _LAYERS and graph.is_constant(node.input[1])]
    names = [name for node in layers for name in (graph.codes(node.input[1]), node.input[1])]
    values = _values(model, list(dict.fromkeys(names)))
    return [
        LayerContents(
            operator=node.op_type,
            shape=values[node.input[1]].shape,
            zeros=int((values[node.input[1]] == 0).sum()),
            bits=16 if graph.is_half(node.input[1]) else _bits(values[graph.codes(node.input[1])]),
            stored_bytes=graph.stored_bytes(graph.codes(node.input[1])),
        )
        for node in layers
    ]


class _ConstantGraph:
    """The part of a graph that depends on no input."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self._producers: dict[str, onnx.NodeProto] = {}
        for node in graph.node:  # a graph is sorted: what a node reads stands before it
            if all(self.is_constant(name) for name in node.input):
                self._producers.update(dict.fromkeys(node.output, node))

    def is_constant(self, name: str) -> bool:
        return not name or name in self._initializers or name in self._producers

    def codes(self, weight: str) -> str:
        """Name the integers of a weight, or the weight itself where it has none.

        An operator in int8 reads them through a DequantizeLinear, one in float through a Cast and a Mul by the scale.
        """
        producer = self._producers.get(weight)
        if producer is None:
            return weight
        if producer.op_type == "DequantizeLinear":
            return str(producer.input[0])
        wide = self._producers.get(producer.input[0]) if producer.op_type == "Mul" else None
        return str(wide.input[0]) if wide is not None and wide.op_type == "Cast" else weight

    def is_half(self, weight: str) -> bool:
        """Say whether a weight is stored in half precision."""
        return all(self._initializers[source].data_type == TensorProto.FLOAT16 for source in self._sources(weight))

    def stored_bytes(self, name: str) -> int:
        return sum(self._initializers[source].ByteSize() for source in set(self._sources(name)))

    def _sources(self, name: str) -> Iterator[str]:
        if name in self._initializers:
            yield name
        elif name in self._producers:
            for source in self._producers[name].input:
                yield from self._sources(source)


def _bits(codes: NDArray[Any]) -> int | None:
    if not np.issubdtype(codes.dtype, np.integer):
        return None
    return max(1, math.ceil(math.log2(len(np.unique(codes)))))


def _values(model: onnx.ModelProto, names: list[str]) -> dict[str, NDArray[Any]]:
    """Give the tensors of these names: the stored ones as they are, the others as the runtime computes them."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name in names}
    computed = [name for name in names if name not in stored]
    if not computed:
        return stored
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in computed)
    pixels = model.graph.input[0]
    shape = [dimension.dim_value or 1 for dimension in pixels.type.tensor_type.shape.dim]
    images = np.zeros(shape, helper.tensor_dtype_to_np_dtype(pixels.type.tensor_type.elem_type))
    found = open_session(probe.SerializeToString()).run(computed, {pixels.name: images})
    return stored | dict(zip(computed, found, strict=True))
