from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from automl.errors import MeasureError
from automl.measure.answers import predict
from automl.onnx_session import open_session


@pytest.fixture
def flatten(tmp_path: Path) -> Path:
    """Write a file whose logits are its pixels."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["logits"], to=TensorProto.FLOAT),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 1, 2, 2])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph(nodes, "g", [image], [logits])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


@pytest.mark.parametrize("batch_size", [1, 3, 250])
def test_prediction_keeps_the_order_of_the_images(flatten: Path, batch_size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 1, 2, 2), dtype=np.uint8)
    logits = predict(flatten, images, batch_size=batch_size)
    np.testing.assert_array_equal(logits, images.reshape(10, 4).astype(np.float32))


def test_session_opens_bytes_and_uses_the_threads_asked_for(flatten: Path) -> None:
    session = open_session(flatten.read_bytes(), threads=2)
    assert session.get_session_options().intra_op_num_threads == 2
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_a_file_that_is_no_network_is_refused_with_its_name(tmp_path):
    (tmp_path / "torn.onnx").write_bytes(b"no network")
    with pytest.raises(MeasureError, match=r"ONNX Runtime cannot load the file: .*torn\.onnx") as caught:
        predict(tmp_path / "torn.onnx", np.zeros((1, 1, 8, 8), np.uint8))
    assert "\n" not in str(caught.value)
