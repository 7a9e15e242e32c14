"""What a file holds is counted from its bytes, whatever form they have."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import Quantization, WeightQuantization
from automl.export.onnx_writer import export_onnx
from automl.measure.contents import LayerContents, file_contents

SHAPE = ImageShape(3, 8, 8)


def network(width: int = 64) -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3, groups=width), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 40))


def exported(path: Path, model: nn.Module, quantization: Quantization | None = None) -> list[LayerContents]:
    normalization = Normalization(scale=0.02, zero_point=127)
    export_onnx(model, path, image_shape=SHAPE, normalization=normalization, quantization=quantization)
    return file_contents(path)


def on_grid(layer: nn.Module, bits: int) -> WeightQuantization:
    """Put all codes of a width into a weight, in a fixed order."""
    limit = 2 ** (bits - 1) - 1
    codes = torch.arange(layer.weight.numel()) % (2 * limit + 1) - limit
    layer.weight.data = codes.reshape(layer.weight.shape).float() * 0.25
    return WeightQuantization(bits=bits, scale=(0.25,) * len(layer.weight))


def one_layer(path: Path, codes: np.ndarray) -> LayerContents:
    """Write a file with one linear layer by hand."""
    scale, zero_point = np.full(len(codes), 0.5, np.float32), np.zeros(len(codes), codes.dtype)
    stored = {"c": codes, "s": scale, "z": zero_point}
    nodes = [
        helper.make_node("DequantizeLinear", ["c", "s", "z"], ["w"], axis=0),
        helper.make_node("Gemm", ["x", "w"], ["y"], transB=1),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", codes.shape[1]])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    graph = helper.make_graph(nodes, "g", [value], [result], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    (layer,) = file_contents(path)
    return layer


def test_layers_of_a_float_file_have_shapes_and_zeros_and_no_bits(tmp_path):
    model = network()
    model[0].weight.data[:, 0] = 0
    first, depthwise, last = exported(tmp_path / "model.onnx", model)
    assert [layer.shape for layer in (first, depthwise, last)] == [(64, 3, 3, 3), (64, 1, 3, 3), (40, 64)]
    assert [layer.is_convolution for layer in (first, depthwise, last)] == [True, True, False]
    assert [layer.zeros for layer in (first, depthwise, last)] == [64 * 9, 0, 0]
    assert [layer.bits for layer in (first, depthwise, last)] == [None] * 3
    for layer in (first, depthwise, last):
        assert 4 * layer.size <= layer.stored_bytes <= 4 * layer.size + 30


def test_weights_in_half_precision_have_16_bits(tmp_path):
    model = network().half().float()
    found = exported(tmp_path / "model.onnx", model, Quantization(float_bits=16))
    assert [layer.bits for layer in found] == [16] * 3
    for layer in found:
        assert 2 * layer.size <= layer.stored_bytes <= 2 * layer.size + 30


@pytest.mark.parametrize("width", [64, 512], ids=["small", "large enough for planes of bits"])
@pytest.mark.parametrize("bits", range(2, 9))
def test_bits_zeros_and_bytes_are_those_of_the_stored_codes(tmp_path, bits, width):
    model = network(width)
    layers = {name: model.get_submodule(name) for name in ("0", "2", "6")}
    weights = {name: on_grid(layer, bits) for name, layer in layers.items()}
    expected = {name: layer.weight == 0 for name, layer in layers.items()}
    found = exported(tmp_path / "model.onnx", model, Quantization(weights=weights))
    assert [layer.bits for layer in found] == [bits] * 3
    assert [layer.zeros for layer in found] == [int(zeros.sum()) for zeros in expected.values()]
    assert [layer.shape for layer in found] == [tuple(zeros.shape) for zeros in expected.values()]
    native = next(width for width in (2, 4, 8) if width >= bits)
    for layer in found:
        assert 0 < layer.stored_bytes <= native * layer.size / 8 + 60
    if width == 512:
        assert max(found, key=lambda layer: layer.size).stored_bytes <= bits * 512 * 40 / 8 + 60


@pytest.mark.parametrize(
    ("levels", "bits"), [((-1, 1), 1), ((-3, -1, 1, 3), 2), ((-100, -37, 5, 90), 2), ((7,), 1), (range(5), 3)]
)
def test_bits_tell_the_codes_apart_whatever_grid_they_lie_on(tmp_path, levels, bits):
    codes = np.resize(np.array(levels, np.int8), (4, 15))
    layer = one_layer(tmp_path / "model.onnx", codes)
    assert layer.bits == bits
    assert layer.zeros == int((codes == 0).sum())
    assert layer.shape == (4, 15)
