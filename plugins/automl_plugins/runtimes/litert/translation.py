"""Translates a deployed ONNX file, operator by operator, into one that LiteRT runs.

Weights keep their codes, and activations theirs less 128: LiteRT's kernels compute with int8 where those of ONNX
Runtime compute with uint8 (https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec).
"""

from collections.abc import Mapping

import onnx

from automl.errors import ConversionError
from automl.runtime import IMAGE, LOGITS
from automl_plugins.runtimes.litert import elementwise, layers, moves, pooling
from automl_plugins.runtimes.litert.flatbuffer import ElementType
from automl_plugins.runtimes.litert.network import Network, Translate
from automl_plugins.runtimes.litert.source import Source

_OPERATORS: Mapping[str, Translate] = {
    "Add": elementwise.combined("ADD"),
    "AveragePool": pooling.average_pool,
    "BatchNormalization": elementwise.batch_norm,
    "Clip": elementwise.clamp,
    "Concat": moves.concatenate,
    "Conv": layers.convolution,
    "DequantizeLinear": moves.dequantize,
    "Flatten": moves.reshape,
    "Gelu": elementwise.gelu,
    "Gemm": layers.linear,
    "GlobalAveragePool": pooling.average,
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": elementwise.single("HARD_SWISH"),
    "Identity": moves.identity,
    "MaxPool": pooling.max_pool,
    "Mul": elementwise.combined("MUL"),
    "QuantizeLinear": moves.quantize,
    "ReduceMean": pooling.average,
    "Relu": elementwise.clamp,
    "Reshape": moves.reshape,
    "Sigmoid": elementwise.single("LOGISTIC"),
    "Squeeze": moves.reshape,
    "Tanh": elementwise.single("TANH"),
    "Transpose": moves.transpose,
    "Unsqueeze": moves.reshape,
}
_ONE_OPERAND = {"ReduceMean", "Reshape", "Squeeze", "Unsqueeze"}  # what else they read says how


def translate(model: onnx.ModelProto) -> bytes:
    """Give a flatbuffer from ``image``, uint8 (1, H, W, C), to ``logits``, float32 (1, classes).

    Args:
        model: As ``Runtime.write`` is given it, each weight a byte or wider.

    Raises:
        ConversionError: If it has an operator that is not known here, or one used in an unusual way.
    """
    source = Source(model)
    network = Network(source)
    _, channels, height, width = source.shape(IMAGE)
    pixels = source.pixels
    image = network.tensor(
        (1, height, width, channels), ElementType.UINT8, scale=pixels, is_channels_last=True, name=IMAGE
    )
    network.bind(IMAGE, image)
    for node in _needed(source):
        if network.is_done(node.output[0]):
            continue
        if node.op_type not in _OPERATORS:
            raise ConversionError(
                f"the network has the operator {node.op_type}, for which there is no counterpart; deploy model.onnx"
            )
        _OPERATORS[node.op_type](node, network)
    logits = network.channels_first(network.real(network.value(LOGITS)))
    return network.finish(image=(IMAGE, image), logits=(LOGITS, logits))


def _needed(source: Source) -> list[onnx.NodeProto]:
    """Leave out what gives constants and shapes, which are known, in the order in which all runs."""
    wanted, needed = {LOGITS}, []
    for node in reversed(source.nodes):
        if node.output[0] in wanted and not all(source.is_constant(name) for name in node.input):
            needed.append(node)
            wanted.update(node.input[:1] if node.op_type in _ONE_OPERAND else node.input)
    return needed[::-1]
