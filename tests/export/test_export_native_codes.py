"""Weights that only ONNX Runtime can unpack are stored anew, and nothing else changes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.export.native_codes import with_native_codes
from automl.export.onnx_writer import export_onnx

SHAPE = ImageShape(3, 8, 8)
IMAGES = np.random.default_rng(0).integers(0, 256, (16, *SHAPE), dtype=np.uint8)


def quantized_network(bits: int, folder: Path) -> onnx.ModelProto:
    """Write a network of two layers, weights of ``bits`` bits, as a trial would."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10)).eval()
    weights = {}
    for name in ("0", "3"):
        weight = model.get_submodule(name).get_parameter("weight").data
        scale = weight.flatten(1).abs().amax(1) / max(2 ** (bits - 1) - 1, 1)
        column = scale.reshape(-1, *[1] * (weight.ndim - 1))
        weight.copy_((weight / column).round() * column)
        weights[name] = WeightQuantization(bits, tuple(scale.tolist()))
    outputs = {"1": ActivationQuantization(0.02, 0)}
    path = folder / "model.onnx"
    export_onnx(
        model,
        path,
        image_shape=SHAPE,
        normalization=Normalization(scale=0.02, zero_point=128),
        quantization=Quantization(weights, outputs),
    )
    return onnx.load(path)


def logits(model: onnx.ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer: NDArray[np.float32] = session.run(None, {"image": IMAGES})[0]
    return answer


@pytest.mark.parametrize("narrowest", [4, 8])
@pytest.mark.parametrize("bits", range(2, 9))
def test_the_file_computes_the_same_from_int4_and_int8(bits: int, narrowest: int, tmp_path: Path) -> None:
    packed = quantized_network(bits, tmp_path)
    native = onnx.load_from_string(with_native_codes(packed.SerializeToString(), narrowest_bits=narrowest))
    onnx.checker.check_model(native, full_check=True)
    np.testing.assert_array_equal(logits(native), logits(packed))
    large = {tensor.data_type for tensor in native.graph.initializer if np.prod(tensor.dims) > 16 * 8}
    assert large == {TensorProto.INT4 if bits <= 4 == narrowest else TensorProto.INT8}
    assert not native.functions
    assert [opset.domain for opset in native.opset_import] == [""]


def test_a_network_without_codes_stays_as_it_is(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10)).eval()
    normalization = Normalization(scale=0.02, zero_point=128)
    path = tmp_path / "model.onnx"
    export_onnx(model, path, image_shape=SHAPE, normalization=normalization, quantization=None)
    written = onnx.load(path)
    assert onnx.load_from_string(with_native_codes(path.read_bytes())) == written
