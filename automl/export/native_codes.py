"""Stores the weights of a file anew, in forms that other runtimes read too: INT4 or bytes, no planes and no tables.

Some of them refuse INT2, and compute wrong results from planes without an error.
"""

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.export.weight_codes import WeightCodes, store_codes

_LARGEST_INT4 = 7
_ERRORS_ONLY = 3


def with_native_codes(content: bytes, *, narrowest_bits: int = 4) -> bytes:
    """Store a model that computes the same, its weights of 1 to 7 bits as INT4 where they fit, else as int8.

    Whatever a DequantizeLinear reads that nodes compute from constants alone is taken for unpacking, in
    whichever form the codes were stored; ONNX Runtime does it here, as it would while it loads the file.

    Args:
        content: Of an ONNX file.
        narrowest_bits: 4, or 8 where no weight shall be stored as INT4.
    """
    model = onnx.load_from_string(content)
    _dequantize_weights(model.graph)
    codes = _unpacked_codes(model)
    stored = store_codes({name: WeightCodes(array, max(_bits(array), narrowest_bits)) for name, array in codes.items()})
    native = onnx.ModelProto()
    native.CopyFrom(model)
    graph = native.graph
    needed = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output) - codes.keys():
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend([*stored.nodes, *reversed(kept)])
    initializers = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend([*initializers, *stored.initializers])
    domains = {node.domain for node in kept if node.domain}
    _keep_domains(native, domains)
    return bytes(native.SerializeToString())


def _dequantize_weights(graph: onnx.GraphProto) -> None:
    """Write a DequantizeLinear where codes are cast and multiplied with scales, as they are for a layer in float.

    ONNX Runtime computes the product while it loads the file, and would keep a DequantizeLinear.
    """
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    weights = {node.input[1] for node in graph.node if node.op_type in {"Conv", "Gemm"}}
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast"}
    for node in list(graph.node):
        if node.op_type != "Mul" or node.output[0] not in weights or node.input[0] not in casts:
            continue
        codes, scale = casts[node.input[0]].input[0], numpy_helper.to_array(arrays[node.input[1]])
        flat = numpy_helper.from_array(scale.reshape(-1), f"{node.output[0]}:scales")
        graph.initializer.append(flat)
        node.CopyFrom(helper.make_node("DequantizeLinear", [codes, flat.name], list(node.output), axis=0))
    read = {name for node in graph.node for name in node.input}
    for output, cast in casts.items():
        if output not in read:
            graph.node.remove(cast)


def _unpacked_codes(model: onnx.ModelProto) -> Mapping[str, NDArray[np.int8]]:
    """Give the codes that a file stores in less than a byte each, by the tensor that holds them once it is loaded."""
    constants = {tensor.name for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" and constants.issuperset(node.input):
            nodes.append(node)
            constants.update(node.output)
    computed = {name for node in nodes for name in node.output}
    readers = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    names = list(dict.fromkeys(node.input[0] for node in readers if node.input[0] in computed))
    if not names:
        return {}
    outputs = [helper.make_tensor_value_info(name, TensorProto.INT8, None) for name in names]
    graph = helper.make_graph(nodes, "codes", [], outputs, model.graph.initializer)
    unpacking = helper.make_model(
        graph, functions=model.functions, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    session = onnxruntime.InferenceSession(unpacking.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {}), strict=True))


def _bits(codes: NDArray[np.int8]) -> int:
    return 4 if np.abs(codes.astype(np.int16)).max(initial=0) <= _LARGEST_INT4 else 8


def _keep_domains(model: onnx.ModelProto, domains: set[str]) -> None:
    functions = [function for function in model.functions if function.domain in domains]
    del model.functions[:]
    model.functions.extend(functions)
    opsets = [opset for opset in model.opset_import if not opset.domain or opset.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
