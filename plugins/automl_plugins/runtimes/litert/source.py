"""Reads a deployed ONNX file: what its constants hold, what follows a node, and in which codes the result is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference

from automl.errors import ConversionError
from automl.runtime import IMAGE
from automl_plugins.runtimes.litert.flatbuffer import Activation, ElementType, Scale

_UNSIGNED_TO_SIGNED = 128
_CLAMPS = {(0.0, 6.0): Activation.RELU6, (-1.0, 1.0): Activation.RELU_N1_TO_1, (0.0, np.inf): Activation.RELU}


@dataclass(frozen=True)
class Weight:
    """A constant with an output channel along its first axis.

    Attributes:
        values: Codes in int8, or real numbers in float32 or float16.
        element: The type in which they are stored.
        scale: One a channel where they are codes; None where they are real.
    """

    values: NDArray[Any]
    element: ElementType
    scale: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Ending:
    """How the result of a node goes on.

    Attributes:
        output: The name of the tensor after the activation.
        activation: What the next node does, if it is one that an operator can do to its own result.
        scale: Of the codes in which the result is kept; None where it stays real.
        absorbed: Names of the tensors between, which nothing else reads.
    """

    output: str
    activation: Activation
    scale: Scale | None
    absorbed: tuple[str, ...] = ()


class Source:
    """A network for one image a call."""

    def __init__(self, model: onnx.ModelProto) -> None:
        single = onnx.ModelProto()
        single.CopyFrom(model)
        single.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        graph = shape_inference.infer_shapes(single, data_prop=True).graph
        self.nodes: Sequence[onnx.NodeProto] = graph.node
        self._shapes = {
            value.name: tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self._arrays: dict[str, NDArray[Any]] = {}
        self._read_constants(graph)
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        self._producers = {name: node for node in graph.node for name in node.output}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def shape(self, name: str) -> tuple[int, ...]:
        """Give the shape of a tensor, in the order of ONNX.

        Raises:
            ConversionError: If it does not follow from the shape of the image and the operators alone.
        """
        shape = self._shapes.get(name, ())
        if not shape or 0 in shape:
            raise ConversionError(
                f"the shape that {self._producers[name].op_type} gives is not known before the network runs; "
                "deploy model.onnx"
            )
        return shape

    @property
    def pixels(self) -> Scale:
        """What the pixels stand for."""
        (dequantize,) = self._readers[IMAGE]
        signed = self.scale(dequantize)
        return Scale(signed.scale, signed.zero_point + _UNSIGNED_TO_SIGNED)

    @property
    def is_quantized(self) -> bool:
        """Whether anything is kept in codes beside the pixels."""
        return any(node.op_type == "QuantizeLinear" for node in self.nodes)

    def is_constant(self, name: str) -> bool:
        """Say whether a tensor is known before the network runs."""
        return name in self._arrays

    def constant(self, name: str) -> NDArray[Any]:
        """Give what a constant holds.

        Raises:
            ConversionError: If the network computes it.
        """
        if name not in self._arrays:
            raise ConversionError(f"{self._producers[name].op_type} gives what must be a constant; deploy model.onnx")
        return self._arrays[name]

    def weight(self, name: str) -> Weight:
        """Give a layer's weight in the form in which it is stored.

        Raises:
            ConversionError: If the network computes it.
        """
        if name in self._arrays:
            values = self._arrays[name]
            halves = values.dtype == np.float16
            return Weight(values, ElementType.FLOAT16 if halves else ElementType.FLOAT32)
        dequantize = self._producers.get(name)
        if dequantize is None or dequantize.op_type != "DequantizeLinear":
            raise ConversionError("a layer's weight is computed by the network; deploy model.onnx")
        codes, scale = (self.constant(each) for each in dequantize.input[:2])
        return Weight(codes, ElementType.INT8, scale.astype(np.float32))

    def bias(self, node: onnx.NodeProto, channels: int) -> NDArray[np.float32]:
        """Give a layer's bias in real numbers, zeros where it has none."""
        if len(node.input) < 3:
            return np.zeros(channels, np.float32)
        bias = self.weight(node.input[2])
        values = bias.values.astype(np.float32)
        return values if bias.scale is None else (values * bias.scale).astype(np.float32)

    def scale(self, node: onnx.NodeProto) -> Scale:
        """Give what a QuantizeLinear writes or a DequantizeLinear reads, as int8."""
        zero_point = int(self._arrays[node.input[2]]) if len(node.input) > 2 else 0
        return Scale((float(self._arrays[node.input[1]]),), zero_point - _UNSIGNED_TO_SIGNED)

    def kept_scale(self, name: str) -> Scale | None:
        """Give the codes in which all readers of a tensor want it, if there are such."""
        readers = self._readers.get(name, [])
        scales = {self.scale(reader) if reader.op_type == "QuantizeLinear" else None for reader in readers}
        return scales.pop() if len(scales) == 1 else None

    def ending(self, node: onnx.NodeProto) -> Ending:
        """Say how the result of a node goes on."""
        output = node.output[0]
        clamp, between, scale = self._only_reader(output), [output], None
        if clamp is not None and clamp.op_type == "QuantizeLinear":  # rounding and clamping commute
            scale = self.scale(clamp)
            dequantize = self._only_reader(clamp.output[0])
            between += [clamp.output[0], dequantize.output[0] if dequantize is not None else ""]
            clamp = self._only_reader(between[-1])
        activation = None if clamp is None else self._activation(clamp)
        if clamp is not None and activation is not None:
            kept = self.kept_scale(clamp.output[0])
            if scale in {None, kept}:
                return Ending(clamp.output[0], activation, kept, tuple(between))
        return Ending(output, Activation.NONE, self.kept_scale(output))

    def bounds(self, node: onnx.NodeProto) -> tuple[float, float]:
        """Give the lowest and the highest value that a Relu or a Clip lets through."""
        if node.op_type == "Relu":
            return 0.0, np.inf
        names = [*node.input[1:], "", ""][:2]
        low, high = (float(self.constant(name)) if name else None for name in names)
        return -np.inf if low is None else low, np.inf if high is None else high

    def _activation(self, node: onnx.NodeProto) -> Activation | None:
        return _CLAMPS.get(self.bounds(node)) if node.op_type in {"Relu", "Clip"} else None

    def _only_reader(self, name: str) -> onnx.NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 else None

    def _read_constants(self, graph: onnx.GraphProto) -> None:
        self._arrays.update({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer})
        for node in graph.node:
            array = self._arrays.get(node.input[0]) if node.op_type in {"Cast", "Identity"} else None
            if array is not None and (node.op_type == "Identity" or array.dtype == np.float16):
                self._arrays[node.output[0]] = array  # halves, which a Cast widens, stay as they are stored
