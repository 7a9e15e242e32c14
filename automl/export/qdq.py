"""Writes a quantizer's own scales into an ONNX graph, in the form that ONNX Runtime fuses into int8 kernels.

The form is QuantizeLinear and DequantizeLinear around every operator: uint8 activations, int8 weights with one
scale an output channel, int32 biases (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
"""

from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.errors import InfeasibleError
from automl.export.tensor_scales import Scales, settle_scales
from automl.export.torch_graph import NORMALISED, MarkedGraph
from automl.export.weight_codes import WeightCodes, store_codes
from automl.runtime import IMAGE

_LARGEST_BIAS_CODE = 2**30
_LARGEST_RAISED_LEVEL = 63  # two products with uint8 fit into int16, in which processors without VNNI add them
_QUANTIZED_BY_RUNTIME = {"Conv", "ConvTranspose", "Gemm"}
_IR_VERSIONS = {21: 10, 25: 13}  # by the version of the standard operators


def take_pixels(model: onnx.ModelProto, image: ActivationQuantization) -> None:
    """Let a float32 model take raw uint8 pixels in place: one DequantizeLinear at its head, all else stays."""
    writer = _QdqWriter(model.graph, {NORMALISED: image})
    for node in model.graph.node:
        writer.add(node)
    writer.finish(model)


def insert_qdq(marked: MarkedGraph, image: ActivationQuantization, quantization: Quantization) -> None:
    """Quantize a float32 model in place, from raw uint8 pixels to float32 logits.

    Args:
        marked: The model, with the output tensors of all modules that ``quantization`` names.
        image: What the codes of the pixels stand for.
        quantization: By module.

    Raises:
        InfeasibleError: A module with quantized weights is no convolution or linear layer, or its scales do
            not fit its channels.
    """
    model, modules = marked
    tensors = [(tensor, name) for tensor, names in modules.items() for name in reversed(names)]
    layers = {tensor: name for tensor, name in tensors if name in quantization.weights}
    outputs = {tensor: quantization.outputs[name] for tensor, name in tensors if name in quantization.outputs}
    writer = _QdqWriter(model.graph, settle_scales(model.graph, {NORMALISED: image, **outputs}))
    for node in model.graph.node:
        module = layers.get(node.output[0])
        if module is not None:
            writer.add_weight(node, module, quantization.weights[module])
        writer.add(node)
    writer.finish(model)


class _QdqWriter:
    """Copies a graph node by node, with quantization put between."""

    def __init__(self, graph: onnx.GraphProto, scales: Scales) -> None:
        self._scales = scales
        self._floats = {tensor.name: tensor for tensor in graph.initializer}
        self._added: dict[str, onnx.TensorProto] = {}
        self._codes: dict[str, WeightCodes] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._dequantize(IMAGE, NORMALISED)

    def add(self, node: onnx.NodeProto) -> None:
        """Add a node, and quantize its output where that has a scale."""
        self._nodes.append(node)
        for place, output in enumerate(node.output):
            if output not in self._scales:
                continue
            node.output[place] = f"{output}:float"
            if self._has_real_weight(node):
                self._negate_twice(node)
            given, codes = self._nodes[-1].output[0] if place == 0 else node.output[place], f"{output}:codes"
            self._nodes.append(helper.make_node("QuantizeLinear", [given, *self._scale(output)], [codes]))
            self._dequantize(codes, output)

    def add_weight(self, node: onnx.NodeProto, module: str, quantization: WeightQuantization) -> None:
        """Quantize the weight of a node that is about to be added, and its bias where a kernel needs it."""
        weight = numpy_helper.to_array(self._floats[node.input[1]]) if self._is_layer(node) else np.empty(0)
        scale = np.array(quantization.scale, np.float32)
        if not weight.size:
            raise InfeasibleError(
                f"The quantization names the weight of {module!r}, which runs as {node.op_type}: "
                "quantize only the weights of convolution and linear layers over images and vectors"
            )
        if len(scale) != len(weight):
            raise InfeasibleError(
                f"The weight of {module!r} has {len(weight)} channels and {len(scale)} scales: give one a channel"
            )
        legal = _legal_codes(module, quantization)
        if quantization.levels is not None:  # a symmetric grid is stored without a table, and would need one
            legal, scale = _with_fine_scale(legal, scale)
        scale = self._scale_for_bias(node, scale)
        codes = _nearest(legal, weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
        levels = None if quantization.levels is None else tuple(legal.tolist())
        name = self._add_codes(node.input[1], WeightCodes(codes, quantization.bits, levels))
        if not self._runs_in_integers(node):
            self._widen_weight(node, name, scale.reshape(-1, *[1] * (weight.ndim - 1)))
            return
        inputs = [name, self._constant(scale)]
        if node.op_type == "Gemm":  # its int8 kernel wants the zero points, that of a convolution does not
            inputs.append(self._constant(np.zeros(len(scale), np.int8)))
            self._quantize_bias(node, scale)
        node.input[1] = f"{node.output[0]}:weight"
        self._nodes.append(helper.make_node("DequantizeLinear", inputs, [node.input[1]], axis=0))

    def _runs_in_integers(self, node: onnx.NodeProto) -> bool:
        """Say whether the runtime has an int8 kernel for a layer; that of a convolution writes codes alone."""
        return node.input[0] in self._scales and (node.op_type == "Gemm" or node.output[0] in self._scales)

    def _widen_weight(self, node: onnx.NodeProto, codes: str, scale: NDArray[np.float32]) -> None:
        """Turn codes into float32 by operators that the runtime computes while it loads: a DequantizeLinear stays."""
        node.input[1] = f"{node.output[0]}:weight"
        wide = f"{node.input[1]}:codes"
        self._nodes.append(helper.make_node("Cast", [codes], [wide], to=TensorProto.FLOAT))
        self._nodes.append(helper.make_node("Mul", [wide, self._constant(scale)], [node.input[1]]))

    def _add_codes(self, weight: str, codes: WeightCodes) -> str:
        """Name the codes of a weight; layers that share it may need others, where their scales differ."""
        name = f"{weight}:codes"
        while name in self._codes and not codes.equals(self._codes[name]):
            name += ":other"
        self._codes[name] = codes
        return name

    def finish(self, model: onnx.ModelProto) -> None:
        """Put all that was added into the model."""
        pixels = model.graph.input[0]
        pixels.name = IMAGE
        pixels.type.tensor_type.elem_type = TensorProto.UINT8
        stored = store_codes(self._codes)
        model.graph.initializer.extend([*self._added.values(), *stored.initializers])
        del model.graph.node[:]
        model.graph.node.extend([*stored.nodes, *self._nodes])
        model.functions.extend(stored.functions)
        model.opset_import[0].version = stored.opset
        domains = sorted({function.domain for function in stored.functions})
        model.opset_import.extend(helper.make_opsetid(domain, 1) for domain in domains)
        model.ir_version = _IR_VERSIONS[stored.opset]

    def _has_real_weight(self, node: onnx.NodeProto) -> bool:
        return node.op_type in _QUANTIZED_BY_RUNTIME and all(name in self._floats for name in node.input[1:] if name)

    def _negate_twice(self, node: onnx.NodeProto) -> None:
        """Let a layer give the negative of its output, and negate that.

        ONNX Runtime puts the real weights of a layer between two grids on a grid of its own choice, one scale for all;
        it does not where something stands between the layer and the grid of its output.
        """
        for place, name in enumerate(node.input[1:], start=1):
            if name:
                node.input[place] = self._constant(-numpy_helper.to_array(self._floats[name]))
        output = node.output[0]
        node.output[0] = f"{output}:negative"
        self._nodes.append(helper.make_node("Neg", [node.output[0]], [output]))

    def _is_layer(self, node: onnx.NodeProto) -> bool:
        is_transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        is_layer = node.op_type == "Conv" or (node.op_type == "Gemm" and is_transposed)
        return is_layer and node.input[1] in self._floats

    def _scale_for_bias(self, node: onnx.NodeProto, weight_scale: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raise scales with which the bias would not fit into int32: beside it, weights so small are nothing."""
        if len(node.input) < 3 or node.input[0] not in self._scales:
            return weight_scale
        bias = np.abs(numpy_helper.to_array(self._floats[node.input[2]]))
        least = bias / (self._scales[node.input[0]].scale * _LARGEST_BIAS_CODE)
        raised: NDArray[np.float32] = np.maximum(weight_scale, least).astype(np.float32)
        return raised

    def _quantize_bias(self, node: onnx.NodeProto, weight_scale: NDArray[np.float32]) -> None:
        if len(node.input) < 3 or node.input[0] not in self._scales:
            return
        scale = weight_scale * np.float32(self._scales[node.input[0]].scale)
        codes = np.rint(numpy_helper.to_array(self._floats[node.input[2]]) / scale).astype(np.int32)
        inputs = [self._constant(codes), self._constant(scale), self._constant(np.zeros(len(scale), np.int32))]
        node.input[2] = f"{node.output[0]}:bias"
        self._nodes.append(helper.make_node("DequantizeLinear", inputs, [node.input[2]], axis=0))

    def _dequantize(self, codes: str, output: str) -> None:
        self._nodes.append(helper.make_node("DequantizeLinear", [codes, *self._scale(output)], [output]))

    def _scale(self, tensor: str) -> list[str]:
        quantization = self._scales[tensor]
        return [
            self._constant(np.array(quantization.scale, np.float32)),
            self._constant(np.array(quantization.zero_point, np.uint8)),
        ]

    def _constant(self, array: NDArray[np.generic]) -> str:
        name = f"constant:{len(self._added)}"
        self._added[name] = numpy_helper.from_array(array, name)
        return name


def _legal_codes(module: str, quantization: WeightQuantization) -> NDArray[np.int8]:
    codes, lowest_bits = quantization.legal_codes, 2 if quantization.levels is None else 1
    is_ascending = all(low < high for low, high in pairwise(codes))
    if not lowest_bits <= quantization.bits <= 8:
        raise InfeasibleError(
            f"The weight of {module!r} has codes of {quantization.bits} bits: "
            f"give {lowest_bits} to 8{', or levels' if quantization.levels is None else ''}"
        )
    if not codes or not is_ascending or len(codes) > 2**quantization.bits or codes[0] < -128 or codes[-1] > 127:
        raise InfeasibleError(
            f"The weight of {module!r} has the levels {codes}: give at most {2**quantization.bits} whole numbers, "
            f"ascending, in -128 … 127, since its codes have {quantization.bits} bits"
        )
    return np.array(codes, np.int8)


def _with_fine_scale(
    levels: NDArray[np.int8], scale: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Multiply levels and divide scales by as much: a bias is rounded to the scale of its weights times its input's."""
    times = max(1, _LARGEST_RAISED_LEVEL // max(1, int(np.abs(levels.astype(np.int32)).max())))
    return (levels * times).astype(np.int8), (scale / times).astype(np.float32)


def _nearest(legal: NDArray[np.int8], values: NDArray[np.floating]) -> NDArray[np.int8]:
    """Round each value to a legal code."""
    middles = (legal[1:].astype(np.float32) + legal[:-1]) / 2
    return legal[np.searchsorted(middles, values)]
