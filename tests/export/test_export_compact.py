"""Compaction takes out what nobody reads, and nothing else."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from automl.export.compact import compact


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
