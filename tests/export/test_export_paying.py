"""A layer goes to int8 where that pays, and stays in float where it does not, with the weights of its grid."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.export.native_codes import with_native_codes
from automl.export.onnx_writer import export_onnx
from automl.export.paying import paying
from automl.network.grids import put_on_grids

NORMALIZATION = Normalization.from_statistics(120.0, 64.0)


def tiny() -> nn.Module:
    """Build a network whose channels fill no lane of an int8 kernel."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Conv2d(6, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 24 * 24, 10)
    )


def wide() -> nn.Module:
    """Build a network of large convolutions."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def quantized(make) -> tuple[nn.Module, Quantization]:
    torch.manual_seed(0)
    model = make().eval()
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    weights = {
        name: WeightQuantization(5, tuple((layer.weight.detach().flatten(1).abs().amax(1) / 15).tolist()))
        for name, layer in layers.items()
    }
    grids = {
        name: ActivationQuantization(0.02, 0)
        for name, module in model.named_modules()
        if isinstance(module, nn.ReLU | nn.AdaptiveAvgPool2d)
    }
    quantization = Quantization(weights=weights, outputs=grids)
    put_on_grids(model, quantization)
    return model, quantization


def operators(content: bytes, path) -> Counter[str]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_wide_layers_are_worth_their_grids():
    model, quantization = quantized(wide)
    assert paying(model, quantization, ImageShape(3, 32, 32)) == quantization


def test_narrow_layers_stay_in_float_with_their_weights():
    model, quantization = quantized(tiny)
    kept = paying(model, quantization, ImageShape(3, 32, 32))
    assert not kept.outputs
    assert kept.weights == quantization.weights


def test_network_without_grids_is_left_alone():
    model, quantization = quantized(tiny)
    bare = Quantization(weights=quantization.weights)
    assert paying(model, bare, ImageShape(3, 32, 32)) is bare


@pytest.mark.parametrize("is_native", [False, True])
def test_layer_in_float_runs_at_full_speed_from_few_bits(is_native, tmp_path):
    model, quantization = quantized(tiny)
    path, bare = tmp_path / "model.onnx", Quantization(weights=quantization.weights)
    export_onnx(model, path, image_shape=ImageShape(3, 32, 32), normalization=NORMALIZATION, quantization=bare)
    content = path.read_bytes()
    weights = sum(module.weight.numel() for module in model.modules() if hasattr(module, "weight"))
    assert len(content) < weights * 5 / 8 + 2500
    if is_native:
        content = with_native_codes(content)
        assert "Mul" not in {node.op_type for node in onnx.load_from_string(content).graph.node}
    else:  # nothing is left of the codes but one cast of the pixels
        found = operators(content, tmp_path / "optimized.onnx")
        assert found["DequantizeLinear"] == 1
        assert not found["Cast"] + found["Mul"] + found["QuantizeLinear"]
    images = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model((torch.from_numpy(images).float() - NORMALIZATION.zero_point) * NORMALIZATION.scale).numpy()
    np.testing.assert_allclose(session.run(None, {"image": images})[0], expected, atol=1e-3)
