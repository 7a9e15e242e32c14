import copy
import functools
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor, nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.network.folding import fold_batch_norm

SHAPE = ImageShape(3, 12, 12)
NORMALIZATION = Normalization.from_statistics(120.0, 64.0)
ACTIVATIONS = [nn.ReLU, nn.ReLU6, nn.Tanh, nn.GELU, nn.SiLU, nn.Hardswish]
QUANTIZED = (*ACTIVATIONS, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
CLAMPS = (nn.ReLU, nn.ReLU6)
EIGHT = (0.1,) * 8


class Add(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


class Residual(nn.Module):
    def __init__(self, channels: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.act = activation()
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.add = Add()
        self.last = activation()

    def forward(self, values: Tensor) -> Tensor:
        inner = self.pointwise(self.act(self.norm(self.depthwise(values))))
        return self.last(self.add(values, inner))


@functools.cache
def trained(activation: type[nn.Module], pool: type[nn.Module], *, bias: bool) -> nn.Module:
    """Train a small network until it is sure of its answers."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(24),
        activation(),
        Residual(24, activation),
        pool(2),
        nn.Dropout(0.1),
        Residual(24, activation),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Identity(),
        nn.Linear(24, 10, bias=bias),
    )
    images, labels = pixels(640, seed=1)
    inputs, targets = normalised(images), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        for batch in torch.randperm(640).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return fold_batch_norm(model, inputs)


def network(
    activation: type[nn.Module] = nn.ReLU, *, pool: type[nn.Module] = nn.MaxPool2d, bias: bool = True
) -> nn.Module:
    return copy.deepcopy(trained(activation, pool, bias=bias))


def pixels(count: int, *, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw one of ten coloured patterns, with noise; give images and labels."""
    patterns = np.random.default_rng(99).uniform(40, 215, (10, 3, 4, 4)).repeat(3, axis=2).repeat(3, axis=3)
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    noise = random.normal(0, 25, (count, *SHAPE))
    return (patterns[labels] + noise).clip(0, 255).astype(np.uint8), labels


def normalised(images: NDArray[np.uint8]) -> Tensor:
    return (torch.from_numpy(images).float() - NORMALIZATION.zero_point) * NORMALIZATION.scale


def quantize(
    model: nn.Module, bits: int, images: Tensor, levels: tuple[int, ...] | None = None
) -> tuple[Quantization, Tensor]:
    """Put the weights on min-max grids in place; give the parameters and the logits of a simulation."""
    legal = torch.tensor(levels or range(1 - 2 ** (bits - 1), 2 ** (bits - 1)))
    weights: dict[str, WeightQuantization] = {}
    outputs: dict[str, ActivationQuantization] = {}
    modules = dict(model.named_modules())
    has_clamps = any(isinstance(module, CLAMPS) for module in modules.values())
    for name, module in modules.items():
        if isinstance(module, nn.Conv2d | nn.Linear):
            scale = module.weight.detach().abs().flatten(1).amax(1) / legal.abs().max()
            column = scale.reshape(-1, *[1] * (module.weight.ndim - 1))
            nearest = (module.weight.data.unsqueeze(-1) / column.unsqueeze(-1) - legal).abs().argmin(-1)
            module.weight.data = legal[nearest] * column
            weights[name] = WeightQuantization(bits, tuple(scale.tolist()), levels)
        is_fused = has_clamps and not name.endswith("pointwise")  # only the clamp behind it is quantized
        if isinstance(module, QUANTIZED) or (isinstance(module, nn.Conv2d | Add) and not is_fused):

            def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor, name: str = name) -> Tensor:
                low, high = min(0.0, float(output.min())), max(1e-6, float(output.max()))
                scale = (high - low) / 255
                outputs[name] = ActivationQuantization(scale, round(-low / scale))
                return torch.fake_quantize_per_tensor_affine(output, scale, outputs[name].zero_point, 0, 255)

            module.register_forward_hook(hook)
    with torch.no_grad():
        logits = model(images)
    for module in modules.values():
        module._forward_hooks.clear()
    return Quantization(weights, outputs), logits


def write(model: nn.Module, path: Path, quantization: Quantization | None = None) -> Path:
    export_onnx(model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
    onnx.checker.check_model(str(path), full_check=True)
    return path


def run(path: Path, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Counter[str]]:
    """Give the logits, and the operators that the runtime chose."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path.with_suffix(".optimized"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    operators = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    return session.run(["logits"], {"image": images})[0], operators


def agreement(left: NDArray[np.float32], right: Tensor) -> float:
    return float((left.argmax(1) == right.numpy().argmax(1)).mean())


@pytest.mark.parametrize(
    ("activation", "pool"), [(nn.ReLU, nn.AvgPool2d), *((activation, nn.MaxPool2d) for activation in ACTIVATIONS)]
)
def test_float_file_gives_the_logits_of_the_model(
    activation: type[nn.Module], pool: type[nn.Module], tmp_path: Path
) -> None:
    model = network(activation, pool=pool)
    images, _ = pixels(64)
    logits, _ = run(write(model, tmp_path / "model.onnx"), images)
    with torch.no_grad():
        np.testing.assert_allclose(logits, model(normalised(images)).numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_quantized_file_agrees_with_its_simulation(bits: int, activation: type[nn.Module], tmp_path: Path) -> None:
    model, (images, _) = network(activation), pixels(1000)
    quantization, simulated = quantize(model, bits, normalised(images))
    logits, operators = run(write(model, tmp_path / "model.onnx", quantization), images)
    assert agreement(logits, simulated) >= (0.99 if bits > 2 else 0.98)
    assert np.abs(logits - simulated.numpy()).mean() < 0.015 * float(simulated.std())
    assert operators["QLinearConv"] == 5
    assert operators["QGemm"] == 1
    assert operators["QLinearAdd"] == 2
    assert not operators["Conv"] + operators["Gemm"] + operators["Cast"] + operators["U"]


@pytest.mark.parametrize("bits", range(1, 9))
def test_file_with_levels_agrees_with_its_simulation(bits: int, tmp_path: Path) -> None:
    model, (images, _) = network(), pixels(1000)
    drawn = np.random.default_rng(bits).choice(np.arange(-126, 127), min(2**bits, 250) - 2, replace=False)
    levels = tuple(sorted({-127, 127, *drawn.tolist()}))
    quantization, simulated = quantize(model, bits, normalised(images), levels)
    logits, operators = run(write(model, tmp_path / "model.onnx", quantization), images)
    assert agreement(logits, simulated) >= (0.99 if bits > 2 else 0.98)
    assert np.abs(logits - simulated.numpy()).mean() < 0.015 * float(simulated.std())
    assert operators["QLinearConv"] == 5
    assert operators["QGemm"] == 1
    assert not operators["Conv"] + operators["Gemm"] + operators["Cast"] + operators["Gather"] + operators["L"]


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_relu_network_runs_in_integers_from_end_to_end(pool: type[nn.Module], tmp_path: Path) -> None:
    model, (images, _) = network(nn.ReLU, pool=pool, bias=False), pixels(400)
    quantization, simulated = quantize(model, 8, normalised(images))
    logits, operators = run(write(model, tmp_path / "model.onnx", quantization), images)
    assert agreement(logits, simulated) >= 0.99
    assert not operators["QuantizeLinear"] + operators["DequantizeLinear"] + operators["Relu"]


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
def test_packed_file_is_near_the_size_of_its_bits(bits: int, tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4096, 10)
    )
    quantization, _ = quantize(model, bits, normalised(pixels(8)[0]), (-1, 1) if bits == 1 else None)
    size_bytes = write(model, tmp_path / "model.onnx", quantization).stat().st_size
    weights_bytes = sum(module.weight.numel() * bits / 8 for module in model if hasattr(module, "weight"))
    channels = 64 + 64 + 10
    assert size_bytes - weights_bytes - channels * 8 < 1400  # 8: a float32 scale and a bias


def stored_sources(graph: onnx.GraphProto, name: str) -> set[str]:
    """Name the initialisers that a tensor is computed from, the scales of weights not counted."""
    node = next((node for node in graph.node if name in node.output), None)
    if node is None:
        return {name}
    inputs = node.input[:1] if node.op_type == "DequantizeLinear" else node.input
    return {source for each in inputs for source in stored_sources(graph, each)}


@pytest.mark.parametrize("bits", range(1, 9))
def test_nothing_that_claims_few_bits_is_stored_as_real_numbers(bits: int, tmp_path: Path) -> None:
    model = network()
    quantization, _ = quantize(model, bits, normalised(pixels(8)[0]), (-1, 1) if bits == 1 else None)
    graph = onnx.load(write(model, tmp_path / "model.onnx", quantization)).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    layers = [node for node in graph.node if node.op_type in {"Conv", "Gemm"}]
    assert len(layers) == len(quantization.weights) == 6
    real = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}
    for node in layers:
        assert not real & {stored[name].data_type for name in stored_sources(graph, node.input[1])}
    floats = sum(tensor.ByteSize() for tensor in graph.initializer if tensor.data_type in real)
    scales_and_biases = sum(2 * 4 * len(weight.scale) for weight in quantization.weights.values())
    assert floats < scales_and_biases + 20 * len(stored)  # 20: what stands around the values


def test_bias_beside_few_levels_is_rounded_no_coarser_than_beside_many(tmp_path: Path) -> None:
    images, _ = pixels(1000)
    errors = []
    for levels in ((-1, 1), (-63, 63)):
        model = network(nn.ReLU)
        quantization, simulated = quantize(model, 1, normalised(images), levels)
        logits, _ = run(write(model, tmp_path / "model.onnx", quantization), images)
        errors.append(float(np.abs(logits - simulated.numpy()).mean() / simulated.std()))
    assert errors[0] == pytest.approx(errors[1], rel=0.1)
    assert errors[0] < 0.006


@pytest.mark.parametrize("levels", [None, (-1, 1)])
def test_bias_of_a_channel_without_weights_does_not_overflow(levels: tuple[int, ...] | None, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    images, _ = pixels(64)
    with torch.no_grad():
        for layer in (model[0], model[4]):
            layer.weight[1] = 1.2e-7 * layer.weight[1].sign()
            layer.bias[1] = 30.0
    quantization, simulated = quantize(model, 8, normalised(images), levels)
    logits, operators = run(write(model, tmp_path / "model.onnx", quantization), images)
    assert operators["QLinearConv"] + operators["QGemm"] == 2
    np.testing.assert_allclose(logits, simulated.numpy(), atol=0.05)


def test_clamp_that_cuts_deeper_than_its_scale_stays(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    images, _ = pixels(32)
    with torch.no_grad():
        model[0].weight.mul_(40)
        expected = model(normalised(images)).numpy()
    quantization, _ = quantize(copy.deepcopy(model), 8, normalised(images))
    wide = {**quantization.outputs, "1": ActivationQuantization(12 / 255, 0), "2": ActivationQuantization(12 / 255, 0)}
    logits, operators = run(write(model, tmp_path / "model.onnx", Quantization(quantization.weights, wide)), images)
    assert operators["QLinearConv"] == 1
    assert np.abs(logits - expected).max() < 0.1


def test_module_that_runs_twice_and_functional_addition_export(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.act = nn.ReLU(inplace=True)
            self.head = nn.Linear(3, 4)

        def forward(self, images: Tensor) -> Tensor:
            values = self.act(self.conv(self.act(self.conv(images))))
            return self.head((values + images).mean((2, 3)))

    model, (images, _) = Twice(), pixels(32)
    quantization, simulated = quantize(model, 4, normalised(images))
    logits, _ = run(write(model, tmp_path / "model.onnx", quantization), images)
    assert np.abs(logits - simulated.numpy()).max() < 0.05


def test_model_is_left_alone(tmp_path: Path) -> None:
    model = network(nn.ReLU, bias=False).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    write(model, tmp_path / "model.onnx")
    assert model.training
    assert model.get_submodule("10").bias is None
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


def test_file_carries_no_names_of_the_model_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = write(network(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == [path]
    assert b"depthwise" not in path.read_bytes()
    assert b"pytorch" not in path.read_bytes()


def test_any_number_of_images_runs(tmp_path: Path) -> None:
    model, (images, _) = network(), pixels(7)
    quantization, _ = quantize(model, 8, normalised(images))
    path = write(model, tmp_path / "model.onnx", quantization)
    whole, _ = run(path, images)
    for count in (1, 3):
        np.testing.assert_array_equal(run(path, images[:count])[0], whole[:count])


@pytest.mark.parametrize(
    ("quantization", "message"),
    [
        (Quantization({"7.conv": WeightQuantization(8, (0.1,))}), r"'7\.conv'.*does not run"),
        (Quantization({"1": WeightQuantization(8, (0.1,))}), "'1', which runs as Relu"),
        (Quantization({"0": WeightQuantization(8, (0.1, 0.1))}), "'0' has 8 channels and 2 scales"),
        (Quantization({"0": WeightQuantization(1, EIGHT)}), "'0' has codes of 1 bits: give 2 to 8, or levels"),
        (Quantization({"0": WeightQuantization(9, EIGHT, (0, 1))}), "'0' has codes of 9 bits: give 1 to 8"),
        (Quantization({"0": WeightQuantization(1, EIGHT, (-1, 0, 1))}), r"levels \(-1, 0, 1\): give at most 2"),
        (Quantization({"0": WeightQuantization(1, EIGHT, (1, -1))}), r"levels \(1, -1\).*ascending"),
        (Quantization({"0": WeightQuantization(1, EIGHT, (0, 128))}), r"levels \(0, 128\).*-128 … 127"),
    ],
)
def test_quantization_that_does_not_fit_is_refused(quantization: Quantization, message: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(800, 4))
    with pytest.raises(InfeasibleError, match=message):
        write(model, tmp_path / "model.onnx", quantization)
    assert not list(tmp_path.iterdir())
