"""Compaction takes out what nobody reads, and nothing else."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from automl.export.compact import compact
from automl.onnx_session import open_session


def test_a_constant_that_is_read_does_not_merge_into_an_equal_one_that_is_not():
    bound = np.array(6.0, np.float32)
    unread = helper.make_node("Constant", [], ["first"], value=numpy_helper.from_array(bound))
    read = helper.make_node("Constant", [], ["second"], value=numpy_helper.from_array(bound))
    clip = helper.make_node("Clip", ["image", "", "second"], ["logits"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("image", "logits")]
    model = helper.make_model(helper.make_graph([unread, read, clip], "graph", ends[:1], ends[1:]))
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    assert [numpy_helper.to_array(tensor) for tensor in model.graph.initializer] == [bound]


def test_zeros_lose_their_sign_and_other_numbers_keep_theirs():
    values = np.array([[-0.0, 1.5], [-2.0, 0.0]], np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(values, "w")],
    )
    model = helper.make_model(graph)
    compact(model)
    stored = numpy_helper.to_array(model.graph.initializer[0])
    np.testing.assert_array_equal(stored, values)
    assert np.signbit(stored).tolist() == [[False, False], [True, False]]


def test_equal_bytes_of_another_shape_or_type_stay_apart():
    """Four zeros are as many bytes as one row of four, and as four integers."""
    zeros = np.zeros(4, np.float32)
    initializers = [
        numpy_helper.from_array(zeros, "vector"),
        numpy_helper.from_array(zeros.reshape(2, 2), "matrix"),
        numpy_helper.from_array(zeros.astype(np.int32), "integers"),
        numpy_helper.from_array(zeros.copy(), "same"),
    ]
    nodes = [
        helper.make_node("Add", ["x", "vector"], ["a"]),
        helper.make_node("MatMul", ["matrix", "matrix"], ["m"]),
        helper.make_node("Cast", ["integers"], ["i"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["m", "shape"], ["r"]),
        helper.make_node("Sum", ["a", "i", "r", "same"], ["y"]),
    ]
    initializers.append(numpy_helper.from_array(np.array([4]), "shape"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], initializers))
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    kept = [(tensor.data_type, tuple(tensor.dims)) for tensor in model.graph.initializer]
    floats = [(TensorProto.FLOAT, (4,)), (TensorProto.FLOAT, (2, 2))]
    assert sorted(kept) == sorted([*floats, (TensorProto.INT32, (4,)), (TensorProto.INT64, (1,))])


def test_branches_of_an_if_keep_reading_what_they_read():
    """They read outer tensors, whose names become others, and make some of their own."""
    branches = {}
    for name, node in {
        "then_branch": helper.make_node("Mul", ["inner", "weight"], ["chosen"]),
        "else_branch": helper.make_node("Neg", ["inner"], ["chosen"]),
    }.items():
        value = helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)
        branches[name] = helper.make_graph([node], name, [], [value])
    nodes = [
        helper.make_node("Identity", ["x"], ["inner"]),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "bound"], ["is_large"]),
        helper.make_node("If", ["is_large"], ["result"], **branches),
        helper.make_node("Add", ["result", "same"], ["y"]),
    ]
    arrays = {"weight": [2.0, 3.0], "same": [2.0, 3.0], "bound": 1.0}
    initializers = [numpy_helper.from_array(np.array(values, np.float32), name) for name, values in arrays.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    session = open_session(model.SerializeToString())
    assert len(model.graph.initializer) == 2
    for image, answer in (([1.0, 1.0], [4.0, 6.0]), ([-1.0, 1.0], [3.0, 2.0])):
        np.testing.assert_array_equal(session.run(None, {"x": np.array(image, np.float32)})[0], answer)
