"""A small network as trials export them, for finding out whether a host can run a target."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.runtime import IMAGE, LOGITS

_SHAPE = (3, 16, 16)
_CHANNELS = 8
_CLASSES = 4


def plain_network() -> bytes:
    """Build a convolution and a linear layer in float32, behind raw pixels."""
    generator = np.random.default_rng(0)
    tensors: dict[str, NDArray[Any]] = {
        "scale": np.array(1 / 255, np.float32),
        "zero": np.array(0, np.uint8),
        "kernel": generator.standard_normal((_CHANNELS, _SHAPE[0], 3, 3), np.float32),
        "weight": generator.standard_normal((_CLASSES, _CHANNELS), np.float32),
        "bias": np.zeros(_CLASSES, np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", [IMAGE, "scale", "zero"], ["normalised"]),
        helper.make_node("Conv", ["normalised", "kernel"], ["convolved"]),
        helper.make_node("Relu", ["convolved"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], [LOGITS], transB=1),
    ]
    image = helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["n", *_SHAPE])
    logits = helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["n", _CLASSES])
    constants = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = helper.make_graph(nodes, "plain", [image], [logits], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())
