"""Networks that trials make answer real images under LiteRT as they do under ONNX Runtime."""

import tempfile
from pathlib import Path

import pytest
import torch

from automl.datasets.load import load_dataset
from automl.export.onnx_writer import export_onnx
from automl.pipeline.conversion import convert
from automl.pipeline.stage_cache import NoCache
from automl.pipeline.stages import StageRunner
from automl.spaces.load import load_space

pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")

DATASET = load_dataset("digits")
SPACE = """
architecture:
  conv_net: {depth: 2, width_1: 8, width_2: 16, kernel: 3, activation: [relu, gelu]}
  resnet: {stages: 2, blocks: 1, width: 8}
  mobilenet_v2: {stages: 2, blocks: 1, width: 8, expansion: 2, kernel: 3}
training: {epochs: 1, learning_rate: 0.02, batch_size: 64}
pruner: {none: }
sparsity: {level: 0.5, slope: 0}
quantizer: {none: , ptq: , float16: }
weight_bits: {level: [4, 8], slope: 0}
"""
ARCHITECTURES = {
    "conv_net": {"architecture": "conv_net", "conv_net.activation": "relu"},
    "conv_net with gelu": {"architecture": "conv_net", "conv_net.activation": "gelu"},
    "resnet": {"architecture": "resnet"},
    "mobilenet_v2": {"architecture": "mobilenet_v2"},
}
WEIGHTS = {
    "float32": {"quantizer": "none"},
    "float16": {"quantizer": "float16", "weight_bits.level": 8},
    "8 bits": {"quantizer": "ptq", "weight_bits.level": 8},
    "4 bits": {"quantizer": "ptq", "weight_bits.level": 4},
}


def deployed(architecture: str, weights: str, folder: Path) -> bytes:
    """Run a trial's stages, and give the file that it deploys."""
    torch.set_num_threads(1)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(SPACE)
        file.flush()
        space = load_space(file.name)
    recipe = space.recipe({**ARCHITECTURES[architecture], "pruner": "none", **WEIGHTS[weights]}, seed=0)
    result = StageRunner(recipe, DATASET, torch.device("cpu"), NoCache()).run()
    path = folder / "model.onnx"
    export_onnx(
        result.model,
        path,
        image_shape=DATASET.image_shape,
        normalization=DATASET.normalization,
        quantization=result.quantization,
    )
    return path.read_bytes()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_trial_answers_like_onnx_runtime(architecture: str, weights: str, tmp_path: Path) -> None:
    model = deployed(architecture, weights, tmp_path)
    converted = convert(model, "litert", images=DATASET.validation.images, task=DATASET.task)
    assert list(converted.files) == ["model.tflite"]
    assert converted.agreement.same_answers >= 0.99
    assert converted.agreement.deviation < 0.005
