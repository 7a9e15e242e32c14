"""Turns a deployed ONNX file back into a torch module that computes the same, for exporters that start from torch.

QuantizeLinear and DequantizeLinear become torch's own operators of quantization, with the scales of the file. uint8
activations become int8, whose codes are lower by 128: that is what mobile runtimes compute with.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, fx, nn
from torch.ao.quantization.fx import _decomposed  # noqa: F401 # registers the operators; there is no public way
from torch.nn import functional

from automl.errors import ConversionError
from automl.runtime import IMAGE, LOGITS

_UNSIGNED_TO_SIGNED = 128
_INT8 = (-128, 127, torch.int8)
_LAYERS = {"Conv", "Gemm"}
_FUSED_INTO_LAYER = {"Relu", "Clip"}
_Attributes = Mapping[str, Any]


def replay(model: onnx.ModelProto) -> fx.GraphModule:
    """Give a module from uint8 images (n, C, H, W) to float32 logits (n, classes).

    Layers whose output stays real keep float32 weights: mobile runtimes have int8 kernels only for those whose
    output is quantized as well.

    Args:
        model: As ``Runtime.write`` is given it, each weight a byte or wider.

    Raises:
        ConversionError: If it has an operator that is not known here.
    """
    builder = _Builder(model)
    for node in model.graph.node:
        builder.add(node)
    return builder.finish()


class _Builder:
    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._arrays: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._is_quantized = any(node.op_type == "QuantizeLinear" for node in graph.node)
        self._owner = nn.Module()
        self._graph = fx.Graph()
        self._values = {IMAGE: self._graph.placeholder(IMAGE)}

    def add(self, node: onnx.NodeProto) -> None:
        output = node.output[0]
        if node.op_type == "DequantizeLinear":
            self._values[output] = self._dequantized(node)
        elif node.op_type == "QuantizeLinear":
            self._values[output] = self._quantize(self._value(node.input[0]), *self._scale(node))
        elif node.op_type == "Cast" and node.input[0] in self._arrays:
            self._arrays[output] = self._arrays[node.input[0]].astype(np.float32)
        elif node.op_type in _OPERATORS:
            function, arguments = _OPERATORS[node.op_type]
            attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            tensors = tuple(self._value(name) for name in node.input if name)
            self._values[output] = self._graph.call_function(function, tensors, arguments(attributes))
        elif not all(name in self._arrays for name in node.input):
            raise ConversionError(
                f"the network has the operator {node.op_type}, for which there is no counterpart; deploy model.onnx"
            )

    def finish(self) -> fx.GraphModule:
        self._graph.output(self._values[LOGITS])
        return fx.GraphModule(self._owner, self._graph).eval()

    def _dequantized(self, node: onnx.NodeProto) -> fx.Node:
        source = node.input[0]
        if source == IMAGE:
            return self._image(node)
        if source not in self._arrays:
            return self._dequantize(self._values[source], *self._scale(node))
        codes, scale = self._arrays[source], self._arrays[node.input[1]].astype(np.float32)
        if codes.dtype == np.int8 and self._has_quantized_output(self._readers[node.output[0]][0]):
            tensors = (codes, scale, np.zeros(len(scale), np.int64))
            operator = torch.ops.quantized_decomposed.dequantize_per_channel.default
            return self._graph.call_function(operator, (*map(self._constant, tensors), 0, *_INT8))
        return self._constant((codes * scale.reshape(-1, *[1] * (codes.ndim - 1))).astype(np.float32))

    def _image(self, node: onnx.NodeProto) -> fx.Node:
        scale, zero_point = self._scale(node)
        pixels = self._graph.call_method("to", (self._values[IMAGE], torch.float32))
        centred = self._graph.call_function(torch.sub, (pixels, float(zero_point + _UNSIGNED_TO_SIGNED)))
        normalised = self._graph.call_function(torch.mul, (centred, scale))
        if not self._is_quantized:
            return normalised
        return self._dequantize(self._quantize(normalised, scale, zero_point), scale, zero_point)

    def _has_quantized_output(self, layer: onnx.NodeProto) -> bool:
        readers = self._readers.get(layer.output[0], [])
        if layer.op_type in _LAYERS and [reader.op_type in _FUSED_INTO_LAYER for reader in readers] == [True]:
            readers = self._readers.get(readers[0].output[0], [])
        return bool(readers) and all(reader.op_type == "QuantizeLinear" for reader in readers)

    def _quantize(self, value: fx.Node, scale: float, zero_point: int) -> fx.Node:
        operator = torch.ops.quantized_decomposed.quantize_per_tensor.default
        return self._graph.call_function(operator, (value, scale, zero_point, *_INT8))

    def _dequantize(self, value: fx.Node, scale: float, zero_point: int) -> fx.Node:
        operator = torch.ops.quantized_decomposed.dequantize_per_tensor.default
        return self._graph.call_function(operator, (value, scale, zero_point, *_INT8))

    def _scale(self, node: onnx.NodeProto) -> tuple[float, int]:
        zero_point = int(self._arrays[node.input[2]]) if len(node.input) > 2 else 0
        return float(self._arrays[node.input[1]]), zero_point - _UNSIGNED_TO_SIGNED

    def _value(self, name: str) -> fx.Node:
        if name not in self._values:
            self._values[name] = self._constant(self._arrays[name])
        return self._values[name]

    def _constant(self, array: NDArray[Any]) -> fx.Node:
        name = f"constant_{len(list(self._owner.buffers()))}"
        self._owner.register_buffer(name, torch.from_numpy(array.copy()))
        return self._graph.get_attr(name)


def _nothing(_attributes: _Attributes) -> dict[str, Any]:
    return {}


def _convolution(attributes: _Attributes) -> dict[str, Any]:
    return {
        "stride": tuple(attributes.get("strides", (1, 1))),
        "padding": _padding(attributes),
        "dilation": tuple(attributes.get("dilations", (1, 1))),
        "groups": attributes.get("group", 1),
    }


def _window(attributes: _Attributes) -> dict[str, Any]:
    return {
        "kernel_size": tuple(attributes["kernel_shape"]),
        "stride": tuple(attributes.get("strides", (1, 1))),
        "padding": _padding(attributes),
        "ceil_mode": bool(attributes.get("ceil_mode", 0)),
    }


def _average_window(attributes: _Attributes) -> dict[str, Any]:
    return {**_window(attributes), "count_include_pad": bool(attributes.get("count_include_pad", 0))}


def _padding(attributes: _Attributes) -> tuple[int, ...]:
    pads = tuple(attributes.get("pads", (0, 0, 0, 0)))
    if pads[:2] != pads[2:]:
        raise ConversionError(f"a layer is padded by {pads}, unlike on either side; deploy model.onnx")
    return pads[:2]


def _gelu(attributes: _Attributes) -> dict[str, Any]:
    return {"approximate": attributes.get("approximate", b"none").decode()}


def _over_pixels(_attributes: _Attributes) -> dict[str, Any]:
    return {"dim": (2, 3), "keepdim": True}


def _from_axis(attributes: _Attributes) -> dict[str, Any]:
    return {"start_dim": attributes.get("axis", 1)}


_OPERATORS: dict[str, tuple[Callable[..., Tensor], Callable[[_Attributes], dict[str, Any]]]] = {
    "Add": (torch.add, _nothing),
    "AveragePool": (functional.avg_pool2d, _average_window),
    "Conv": (functional.conv2d, _convolution),
    "Flatten": (torch.flatten, _from_axis),
    "Gelu": (functional.gelu, _gelu),
    "Gemm": (functional.linear, _nothing),
    "GlobalAveragePool": (torch.mean, _over_pixels),
    "HardSwish": (functional.hardswish, _nothing),
    "MaxPool": (functional.max_pool2d, _window),
    "Mul": (torch.mul, _nothing),
    "Relu": (functional.relu, _nothing),
    "Sigmoid": (torch.sigmoid, _nothing),
    "Tanh": (torch.tanh, _nothing),
}
