"""A network in half precision takes half the file, and computes what its rounded weights say."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import Quantization
from automl.export.onnx_writer import export_onnx

SHAPE = ImageShape(3, 8, 8)
NORMALIZATION = Normalization(scale=0.02, zero_point=128)
IMAGES = np.random.default_rng(0).integers(0, 256, (16, *SHAPE), dtype=np.uint8)


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 16, 3), nn.GELU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)
    return nn.Sequential(*layers).eval()


def rounded(model: nn.Module) -> nn.Module:
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return model


def write(model: nn.Module, path: Path, quantization: Quantization | None) -> onnx.ModelProto:
    export_onnx(model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
    return onnx.load(path)


@pytest.fixture
def half(tmp_path: Path) -> Path:
    write(rounded(network()), tmp_path / "half.onnx", Quantization(float_bits=16))
    return tmp_path / "half.onnx"


def test_the_file_is_half_as_large_and_its_weights_are_float16(half: Path, tmp_path: Path) -> None:
    whole = write(network(), tmp_path / "whole.onnx", None)
    assert half.stat().st_size < 0.55 * (tmp_path / "whole.onnx").stat().st_size
    types = Counter(tensor.data_type for tensor in onnx.load(half).graph.initializer if np.prod(tensor.dims) > 16)
    assert types == {TensorProto.FLOAT16: 4}  # three weights, and a bias that is worth it
    assert TensorProto.FLOAT16 not in {tensor.data_type for tensor in whole.graph.initializer}


def test_the_runtime_answers_as_the_rounded_network_does(half: Path) -> None:
    (found,) = onnxruntime.InferenceSession(half).run(None, {"image": IMAGES})
    with torch.no_grad():
        expected = rounded(network())((torch.from_numpy(IMAGES).float() - 128) * 0.02)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_runtime_folds_the_casts_and_computes_in_float32(half: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(half, options, providers=["CPUExecutionProvider"])
    assert "Cast" not in {node.op_type for node in onnx.load(tmp_path / "loaded.onnx").graph.node}


def test_a_weight_that_half_precision_does_not_hold_stays_float32(tmp_path: Path) -> None:
    model = rounded(network())
    model.get_submodule("0").get_parameter("weight").data[0, 0, 0, 0] = 1 + 2**-20
    model.get_submodule("2").get_parameter("weight").data[0, 0, 0, 0] = 1e30
    graph = write(model, tmp_path / "model.onnx", Quantization(float_bits=16)).graph
    kept = {tuple(tensor.dims) for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    assert {(16, 3, 3, 3), (32, 16, 3, 3)} <= kept
    assert (10, 512) not in kept
