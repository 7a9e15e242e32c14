"""The graph that torch exports loses what is nothing, and keeps what is something."""

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from automl.core.image import ImageShape
from automl.core.quantization import ActivationQuantization
from automl.export.tensor_scales import settle_scales
from automl.export.torch_graph import torch_graph

SHAPE = ImageShape(3, 6, 6)
GRID = ActivationQuantization(0.1, 0)


def with_bias(*values: float) -> onnx.GraphProto:
    """Give the graph of a network whose convolution and linear layer have this bias."""
    model = nn.Sequential(nn.Conv2d(3, len(values), 6), nn.Flatten(), nn.Linear(len(values), len(values)))
    for layer in (model[0], model[2]):
        layer.bias.data = torch.tensor(values)
    return torch_graph(model, SHAPE).model.graph


def test_bias_with_a_zero_in_it_stays():
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in with_bias(0.0, 1.0, 0.0).initializer}
    biases = [
        stored[node.input[2]].tolist() for node in with_bias(0.0, 1.0, 0.0).node if node.op_type in {"Conv", "Gemm"}
    ]
    assert biases == [[0.0, 1.0, 0.0]] * 2


def test_bias_of_nothing_but_zeros_goes():
    layers = [node for node in with_bias(0.0, 0.0, 0.0).node if node.op_type in {"Conv", "Gemm"}]
    assert [len(node.input) for node in layers] == [2, 2]


def clamped(*more: onnx.NodeProto) -> onnx.GraphProto:
    """Give a graph in which a convolution feeds a clamp, and perhaps more."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        *more,
        helper.make_node("Add", ["r", "o" if more else "r"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    return helper.make_graph(nodes, "g", ends[:1], ends[1:])


def test_clamp_gives_its_scale_to_what_it_alone_reads():
    graph = clamped()
    assert settle_scales(graph, {"r": GRID})["c"] == GRID
    assert "Relu" not in {node.op_type for node in graph.node}


def test_clamp_gives_no_scale_to_what_others_read():
    """The other reader takes values below zero, which the scale of the clamp has no codes for."""
    graph = clamped(helper.make_node("Abs", ["c"], ["o"]))
    assert "c" not in settle_scales(graph, {"r": GRID})
    assert "Relu" in {node.op_type for node in graph.node}


def test_reader_inside_a_branch_is_one_too():
    value = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Abs", ["c"], ["b"])], "branch", [], [value])
    choice = helper.make_node("If", ["k"], ["o"], then_branch=branch, else_branch=branch)
    assert "c" not in settle_scales(clamped(choice), {"r": GRID})


def test_what_has_a_scale_keeps_it_before_a_clamp_and_behind_a_move():
    graph = clamped(helper.make_node("Flatten", ["r"], ["o"]))
    other, third = ActivationQuantization(0.2, 100), ActivationQuantization(0.3, 7)
    settled = settle_scales(graph, {"c": other, "r": GRID, "o": third})
    assert settled == {"c": other, "r": GRID, "o": third}
