"""How an operator is written changes nothing about what runs in integers: only what it computes does."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.export.onnx_writer import export_onnx
from automl.network.operators import Concatenation, Product, Sum
from automl.pipeline.simulation import simulated_logits
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Profile, QuantizedModel, Quantizer, Stage
from automl.testing.context import NORMALIZATION, context, split
from automl.testing.networks import CLASSES, SHAPE

BITS = Profile(level=8, high=8)
QUANTIZERS = [
    name
    for name, plugin in TECHNIQUE.installed().items()
    if plugin.load().stage is Stage.QUANTIZER and name != "float16"  # it has no grids
]


class Layers(nn.Module):
    """What both networks below have."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.first = nn.Conv2d(SHAPE.channels, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.second, self.squeeze = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 1)
        self.classifier = nn.Linear(32, CLASSES)


class InFunctions(Layers):
    """Calls functions wherever torch has one."""

    def forward(self, images: Tensor) -> Tensor:
        stem = functional.max_pool2d(self.stem(images).relu(), 2)
        left = functional.relu(self.first(stem)) + stem
        right = self.second(left)
        gate = torch.sigmoid(self.squeeze(right.mean((2, 3), keepdim=True)))
        joined = torch.cat([left, torch.tanh(right * gate)], 1)
        return self.classifier(torch.flatten(functional.adaptive_avg_pool2d(joined, 1), 1))


class InModules(Layers):
    """Computes the same, each operator a module."""

    def __init__(self) -> None:
        super().__init__()
        self.act0, self.act1, self.gate, self.act2 = nn.ReLU(), nn.ReLU(), nn.Sigmoid(), nn.Tanh()
        self.pool, self.mean, self.last, self.flatten = (
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.sum, self.product, self.join = Sum(), Product(), Concatenation(1)

    def forward(self, images: Tensor) -> Tensor:
        stem = self.pool(self.act0(self.stem(images)))
        left = self.sum(self.act1(self.first(stem)), stem)
        right = self.second(left)
        gate = self.gate(self.squeeze(self.mean(right)))
        joined = self.join(left, self.act2(self.product(right, gate)))
        return self.classifier(self.flatten(self.last(joined)))


def quantize(name: str, model: nn.Module) -> QuantizedModel:
    kind = technique_class(name, Stage.QUANTIZER)
    used = kind.model_validate({field: 1 for field in kind.model_fields if field == "epochs"})
    assert isinstance(used, Quantizer)
    used.check(used.prepared(model, context().calibration), BITS, context())
    return used.quantize(used.prepared(model, context().calibration), BITS, context())


def run(result: QuantizedModel, path) -> tuple[np.ndarray, Counter[str]]:
    """Write a file and give its logits, and the operators that the runtime chose."""
    export_onnx(result.model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=result.quantization)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path.with_suffix(".optimized"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    operators = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    return session.run(None, {session.get_inputs()[0].name: split().images})[0], operators


@pytest.mark.parametrize("name", QUANTIZERS)
def test_functions_run_in_integers_like_modules(name, tmp_path):
    found = [
        run(quantize(name, network()), tmp_path / f"{network.__name__}.onnx") for network in (InFunctions, InModules)
    ]
    (logits, operators), (expected, of_modules) = found
    assert operators == of_modules
    assert not operators["Conv"] + operators["Gemm"] + operators["Add"] + operators["Mul"] + operators["Concat"]
    assert operators["QLinearConv"] == 4
    assert operators["QLinearMul"] == operators["QLinearAdd"] == operators["QLinearConcat"] == 1
    if name == "ptq":  # the others train
        np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_file_of_a_network_of_functions_answers_like_its_simulation(name, tmp_path):
    result = quantize(name, InFunctions())
    logits, _ = run(result, tmp_path / "model.onnx")
    expected = simulated_logits(result.model, result.quantization, split().images, NORMALIZATION)
    assert np.abs(logits - expected).mean() < 0.02 * expected.std()
