"""A file that is turned back into torch computes what the runtime computes from it."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper
from test_export_onnx_writer import agreement, network, normalised, pixels, quantize, write
from torch import fx, nn

from automl.errors import ConversionError
from automl.export.native_codes import with_native_codes
from automl_plugins.runtimes._torch_replay import replay

ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.Hardswish]


def answers(path: Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, fx.GraphModule]:
    module = replay(onnx.load_from_string(with_native_codes(path.read_bytes(), narrowest_bits=8)))
    with torch.no_grad():
        replayed = module(torch.from_numpy(images)).numpy()
    expected: np.ndarray = onnxruntime.InferenceSession(path).run(None, {"image": images})[0]
    return replayed, expected, module


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float_network_gives_the_same_logits(
    activation: type[nn.Module], pool: type[nn.Module], tmp_path: Path
) -> None:
    replayed, expected, _ = answers(write(network(activation, pool=pool), tmp_path / "model.onnx"), pixels(64)[0])
    np.testing.assert_allclose(replayed, expected, atol=1e-3)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU])
def test_quantized_network_gives_the_same_answers(bits: int, activation: type[nn.Module], tmp_path: Path) -> None:
    model, (images, _) = network(activation), pixels(400)
    quantization, _ = quantize(model, bits, normalised(images))
    replayed, expected, _ = answers(write(model, tmp_path / "model.onnx", quantization), images)
    assert agreement(replayed, torch.from_numpy(expected)) >= 0.98
    assert np.abs(replayed - expected).mean() < 0.02 * expected.std()


def test_weights_are_int8_except_where_the_output_is_real(tmp_path: Path) -> None:
    model, (images, _) = network(), pixels(8)
    quantization, _ = quantize(model, 4, normalised(images))
    _, _, module = answers(write(model, tmp_path / "model.onnx", quantization), images)
    weights = [buffer for buffer in module.buffers() if buffer.dim() > 1]
    assert [buffer.dtype for buffer in weights] == [torch.int8] * 5 + [torch.float32]


def test_operator_without_a_counterpart_is_refused_by_name(tmp_path: Path) -> None:
    model = onnx.load(write(network(), tmp_path / "model.onnx"))
    last = model.graph.node[-1]
    result, last.output[0] = last.output[0], "before"
    model.graph.node.append(helper.make_node("Softmax", ["before"], [result]))
    with pytest.raises(ConversionError, match=r"operator Softmax, .* deploy model\.onnx"):
        replay(model)
