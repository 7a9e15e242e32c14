"""A file that is translated for LiteRT computes what ONNX Runtime computes from it, in the same codes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper
from test_export_onnx_writer import Add, agreement, network, normalised, pixels, quantize, write
from torch import Tensor, nn

from automl.core.quantization import ActivationQuantization, Quantization
from automl.core.target import Target
from automl.errors import ConversionError
from automl.measure.answers import predict
from automl.pipeline.conversion import deploy

pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
from ai_edge_litert import schema_py_generated as schema

from automl_plugins.runtimes.litert.translation import translate

ACTIVATIONS = [nn.ReLU, nn.ReLU6, nn.Tanh, nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid]


class Shuffle(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        """Mix two groups of channels."""
        return images.reshape(-1, 2, 4, 12, 12).transpose(1, 2).reshape(-1, 8, 12, 12)


class Swap(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.transpose(0, 1)


def trained_norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(3)
    for parameter, low in ((norm.weight, 0.5), (norm.bias, -1.0), (norm.running_mean, -1.0), (norm.running_var, 0.5)):
        nn.init.uniform_(parameter, low, 2.0)
    return norm.eval()


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "same border": lambda: nn.Conv2d(3, 8, 5, padding=2),
    "no border": lambda: nn.Conv2d(3, 8, 3),
    "strides, more before than after": lambda: nn.Conv2d(3, 8, 3, stride=2, padding=1),
    "strides, pixels left over": lambda: nn.Conv2d(3, 8, 4, stride=3),
    "unlike sides": lambda: nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(0, 2)),
    "gaps": lambda: nn.Conv2d(3, 8, 3, padding=2, dilation=2),
    "groups": lambda: nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 3, padding=1, groups=4)),
    "single channels": lambda: nn.Conv2d(3, 3, 3, padding=1, groups=3),
    "single channels, gaps": lambda: nn.Conv2d(3, 3, 3, padding=2, dilation=2, groups=3),
    "two outputs of each channel": lambda: nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3, bias=False),
    "highest": lambda: nn.MaxPool2d(2),
    "highest, border": lambda: nn.MaxPool2d(3, stride=2, padding=1),
    "highest, border at the end": lambda: nn.MaxPool2d(5, stride=3, ceil_mode=True),
    "mean": lambda: nn.AvgPool2d(3, stride=2),
    "mean, border counted": lambda: nn.AvgPool2d(3, stride=1, padding=1),
    "mean, border not counted": lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "clamp to bounds": lambda: nn.Hardtanh(-0.5, 1.5),
    "clamp to one": lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardtanh()),
    "batch normalisation of its own": lambda: nn.Sequential(nn.ReLU(), trained_norm()),
    "channels in another order": lambda: nn.Sequential(nn.Conv2d(3, 8, 1), Shuffle(), nn.Conv2d(8, 4, 3)),
}


class Branches(nn.Module):
    """Paths of unlike ranges, put side by side and then weighted by what is seen in all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.right = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(nn.Conv2d(16, 16, 1), nn.Sigmoid())
        self.add = Add()
        self.shift = nn.Parameter(torch.linspace(-1, 1, 16).reshape(16, 1, 1))
        self.classes = nn.Linear(16 * 12 * 12, 10)

    def forward(self, images: Tensor) -> Tensor:
        together = torch.cat([self.left(images), self.right(images)], dim=1)
        gated = together * self.gate(self.pool(together)) * 2 + self.shift
        return self.classes(self.add(together, gated).flatten(1))


def answers(path: Path, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the logits of LiteRT and of ONNX Runtime."""
    target = Target(device="litert")
    written = deploy(path, target)
    expected: NDArray[np.float32] = onnxruntime.InferenceSession(path).run(None, {"image": images})[0]
    return predict(written, images, target=target), expected


def operators(path: Path) -> list[tuple[str, int, tuple[int, ...]]]:
    """Name the operators of the file beside a model, each with its version and the types of what it reads."""
    model = schema.ModelT.InitFromPackedBuf((path.parent / "model.tflite").read_bytes())
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    graph = model.subgraphs[0]
    codes = [(model.operatorCodes[operator.opcodeIndex], operator) for operator in graph.operators]
    return [
        (names[code.builtinCode], code.version, tuple(graph.tensors[index].type for index in operator.inputs))
        for code, operator in codes
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_gives_the_same_numbers(layer: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(LAYERS[layer](), nn.Flatten())
    found, expected = answers(write(model, tmp_path / "model.onnx"), pixels(3)[0])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float_network_gives_the_same_logits(activation: type[nn.Module], tmp_path: Path) -> None:
    found, expected = answers(write(network(activation), tmp_path / "model.onnx"), pixels(64)[0])
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.SiLU])
def test_quantized_network_gives_the_same_answers(bits: int, activation: type[nn.Module], tmp_path: Path) -> None:
    model, (images, _) = network(activation), pixels(400)
    quantization, _ = quantize(model, bits, normalised(images))
    found, expected = answers(write(model, tmp_path / "model.onnx", quantization), images)
    assert agreement(found, torch.from_numpy(expected)) >= 0.99
    assert np.abs(found - expected).mean() < 0.005 * expected.std()


def test_quantized_layers_compute_with_int8_except_where_the_output_is_real(tmp_path: Path) -> None:
    model, (images, _) = network(nn.ReLU), pixels(8)
    quantization, _ = quantize(model, 4, normalised(images))
    answers(write(model, tmp_path / "model.onnx", quantization), images)
    types, found = schema.TensorType, operators(tmp_path / "model.onnx")
    layers = [(name, version, reads) for name, version, reads in found if "CONV" in name or "CONNECTED" in name]
    integers, reals = (types.INT8, types.INT8, types.INT32), (types.FLOAT32,) * 3
    names = ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
    assert layers == [*((name, 3, integers) for name in names), ("FULLY_CONNECTED", 1, reals)]
    assert not {"RELU", "TRANSPOSE"}.intersection(name for name, _, _ in found)


@pytest.mark.parametrize("is_quantized", [False, True])
def test_branches_meet_in_the_codes_of_what_they_become(is_quantized: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, (images, _) = Branches(), pixels(64)
    quantization = quantize(model, 8, normalised(images))[0] if is_quantized else None
    found, expected = answers(write(model, tmp_path / "model.onnx", quantization), images)
    np.testing.assert_allclose(found, expected, atol=0.02 * expected.std() if is_quantized else 1e-4)


def test_clamp_between_equal_codes_is_done_by_the_layer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, (images, _) = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU6(), nn.Flatten()), pixels(16)
    quantization, _ = quantize(model, 8, normalised(images))
    wide = ActivationQuantization(12 / 255, 0)  # codes reach beyond what the clamp lets through
    quantization = Quantization(quantization.weights, {"0": wide, "1": wide})
    found, expected = answers(write(model, tmp_path / "model.onnx", quantization), images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "RELU6" not in [name for name, _, _ in operators(tmp_path / "model.onnx")]


def test_halves_stay_halves(tmp_path: Path) -> None:
    model = network().half().float()
    found, expected = answers(write(model, tmp_path / "model.onnx", Quantization(float_bits=16)), pixels(16)[0])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    widened = [reads for name, _, reads in operators(tmp_path / "model.onnx") if name == "DEQUANTIZE"]
    assert widened == [(schema.TensorType.UINT8,), *[(schema.TensorType.FLOAT16,)] * 6]


def test_several_images_go_into_one_call(tmp_path: Path) -> None:
    model, (images, _) = network(), pixels(5)
    quantization, _ = quantize(model, 8, normalised(images))
    found, _ = answers(write(model, tmp_path / "model.onnx", quantization), images)
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    np.testing.assert_allclose(runner(image=images.transpose(0, 2, 3, 1).copy())["logits"], found, atol=1e-5)


def test_constants_are_aligned_as_the_format_asks(tmp_path: Path) -> None:
    path = write(network(), tmp_path / "model.onnx")
    content = translate(onnx.load(path))
    model = schema.Model.GetRootAs(content)
    buffers = [model.Buffers(index).DataAsNumpy() for index in range(1, model.BuffersLength())]
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    assert {(buffer.__array_interface__["data"][0] - start) % 16 for buffer in buffers} == {0}


def test_operator_without_a_counterpart_is_refused_by_name(tmp_path: Path) -> None:
    model = onnx.load(write(network(), tmp_path / "model.onnx"))
    last = model.graph.node[-1]
    result, last.output[0] = last.output[0], "before"
    model.graph.node.append(helper.make_node("Softmax", ["before"], [result]))
    with pytest.raises(ConversionError, match=r"operator Softmax, .* deploy model\.onnx"):
        translate(model)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), "AveragePool whose border"),
        (nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 3)), "shape (1, 3, 144)"),
        (nn.MaxPool2d(3, dilation=2), "MaxPool with gaps"),
        (Swap(), "Transpose of whole images"),
    ],
)
def test_use_that_litert_has_not_is_refused(layer: nn.Module, words: str, tmp_path: Path) -> None:
    model = onnx.load(write(nn.Sequential(layer, nn.Flatten()), tmp_path / "model.onnx"))
    with pytest.raises(ConversionError) as error:
        translate(model)
    assert words in str(error.value)
