"""The operations that are listed are those that the runtime executes."""

from collections import Counter

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.export.onnx_writer import onnx_bytes
from automl.export.operations import Outline, outline

SHAPE = ImageShape(3, 12, 12)
NORMALIZATION = Normalization.from_statistics(127.0, 50.0)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.Tanh(),
        nn.Conv2d(16, 24, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 5),
    ).eval()


@pytest.fixture
def quantization(network) -> Quantization:
    layers = {name: module for name, module in network.named_children() if hasattr(module, "weight")}
    return Quantization(
        weights={
            name: WeightQuantization(bits=8, scale=tuple((layer.weight.flatten(1).abs().amax(1) / 127).tolist()))
            for name, layer in layers.items()
        },
        outputs={name: ActivationQuantization(0.02, 0 if name == "1" else 128) for name in ("1", "2", "3", "4", "5")},
    )


def outlined(network, quantization) -> Outline:
    return outline(network, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)


def executed(content: bytes, folder) -> Counter[str]:
    """Ask ONNX Runtime what it runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(folder / "optimised.onnx").graph.node)


@pytest.mark.parametrize("is_quantized", [False, True])
def test_size_is_that_of_the_file(network, quantization, is_quantized):
    used = quantization if is_quantized else None
    content = onnx_bytes(network, image_shape=SHAPE, normalization=NORMALIZATION, quantization=used)
    assert outlined(network, used).size_bytes == len(content)


def test_multiplications_are_counted_by_layer(network):
    macs = [operation.macs for operation in outlined(network, None).operations]
    assert [count for count in macs if count] == [16 * 36 * 3 * 9, 16 * 36 * 9, 24 * 36 * 16, 24 * 5]


def test_integer_layers_are_those_that_the_runtime_runs_in_integers(network, quantization, tmp_path):
    content = onnx_bytes(network, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
    listed = Counter(operation.kind for operation in outlined(network, quantization).operations if operation.is_integer)
    run = executed(content, tmp_path)
    assert listed == {"Conv": run["QLinearConv"], "Gemm": run["QGemm"]}
    assert listed == {"Conv": 3, "Gemm": 1}


def test_an_activation_without_an_integer_kernel_reads_and_writes_codes(network, quantization):
    (tanh,) = [operation for operation in outlined(network, quantization).operations if operation.kind == "Tanh"]
    assert (tanh.reads_codes, tanh.writes_codes, tanh.is_integer) == (True, True, False)
    assert tanh.output_shape == (16, 6, 6)


def test_a_clamp_that_changes_no_code_is_not_listed(network, quantization):
    assert "Relu" not in {operation.kind for operation in outlined(network, quantization).operations}
    assert "Relu" in {operation.kind for operation in outlined(network, None).operations}


def test_listing_leaves_the_network_as_it_was(network, quantization):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    outlined(network, quantization)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
