"""Settles which tensors of a graph are quantized, and how, from the modules whose output a quantizer quantized."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from automl.core.quantization import ActivationQuantization
from automl.export.subgraphs import every_node, with_inner

Scales = Mapping[str, ActivationQuantization]
"""By the name of the tensor."""

_KEEPS_VALUES = {"Flatten", "Identity", "MaxPool", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
_CLAMPS = {"Clip", "Relu"}
_GATES = {"HardSigmoid", "Sigmoid"}
_GATE = ActivationQuantization(1 / 255, 0)
"""What a gate gives lies between 0 and 1, so nothing has to be measured to put it on a grid."""


def settle_scales(graph: onnx.GraphProto, scales: Scales) -> dict[str, ActivationQuantization]:
    """Complete the scales of modules to those that integer kernels need; the codes that modules give are kept.

    A clamp's scale holds for the tensor before it as well, and a clamp that changes no code then leaves the
    graph. Operators that only move or choose values keep the scale of their input.

    Args:
        graph: Loses the clamps that change nothing.
        scales: Of the input and of the outputs of modules.
    """
    settled = _share_through_clamps(graph, {**_inner_gates(graph, scales), **scales})
    _take_out_idle_clamps(graph, settled)
    return _keep_through_moves(graph, settled)


def _inner_gates(graph: onnx.GraphProto, scales: Scales) -> dict[str, ActivationQuantization]:
    """Put the gate of a tensor that is multiplied with its own gate, as in SiLU, on a grid: the runtime has kernels.

    What the product gives moves by half a step of its own grid at most.
    """
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return {
        node.output[0]: _GATE
        for node in graph.node
        if node.op_type in _GATES
        and node.input[0] in scales
        and all(
            reader.op_type == "Mul" and node.input[0] in reader.input and reader.output[0] in scales
            for reader in readers.get(node.output[0], ())
        )
    }


def _share_through_clamps(graph: onnx.GraphProto, scales: Scales) -> dict[str, ActivationQuantization]:
    """Quantize what feeds a quantized clamp alone like the clamp: rounding and clamping commute.

    What has a grid of its own keeps it: its module may run elsewhere too, and rounds to this grid wherever it runs.
    """
    shared = dict(scales)
    readers = Counter(name for node in every_node(graph) for name in node.input)
    producers = {node.output[0]: node.op_type for node in graph.node}
    for node in graph.node:
        if node.op_type in _CLAMPS and node.output[0] in scales:
            source = node.input[0]
            if source not in scales and readers[source] == 1 and producers.get(source, "Identity") not in _KEEPS_VALUES:
                shared[source] = scales[node.output[0]]
    return shared


def _take_out_idle_clamps(graph: onnx.GraphProto, scales: Scales) -> None:
    constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    idle: dict[str, str] = {}
    for node in list(graph.node):
        for reader in with_inner(node):
            reader.input[:] = [idle.get(name, name) for name in reader.input]
        scale = scales.get(node.input[0]) if node.op_type in _CLAMPS else None
        if scale is None or scale != scales.get(node.output[0]) or node.output[0] == graph.output[0].name:
            continue
        bounds = [constants.get(name) for name in node.input[1:]] if node.op_type == "Clip" else []
        if scale.zero_point == 0 and _reaches(bounds, 255 * scale.scale):
            idle[node.output[0]] = node.input[0]
            graph.node.remove(node)


def _reaches(bounds: list[onnx.TensorProto | None], highest: float) -> bool:
    """Say whether all values from 0 to ``highest`` lie within (low, high); a ReLU has no bounds."""
    if any(bound is None for bound in bounds):
        return False
    values = [float(numpy_helper.to_array(bound)) for bound in bounds if bound is not None]
    low, high = values or (0.0, np.inf)
    return low <= 0 and highest <= high * (1 + 1e-6)


def _keep_through_moves(graph: onnx.GraphProto, scales: Scales) -> dict[str, ActivationQuantization]:
    kept = dict(scales)
    for node in graph.node:
        if node.op_type in _KEEPS_VALUES and node.input[0] in kept:
            for output in node.output:
                if output and output != graph.output[0].name:
                    kept.setdefault(output, kept[node.input[0]])
    return kept
