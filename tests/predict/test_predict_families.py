"""Of networks that differ in widths and bits alone, one is exported: the others are described as well as it."""

import random

import pytest
import torch

from automl.core.image import ImageShape, Normalization
from automl.export import torch_graph
from automl.export.operations import outline
from automl.predict import families
from automl.predict.families import Families
from automl.predict.structure import Problem, untrained_network
from automl.spaces.load import load_space
from automl.suggest.suggester import random_point
from automl_plugins.tasks.classification import Classification

TASK = Problem(ImageShape(1, 8, 8), Classification(outputs=10), Normalization.from_statistics(80.0, 90.0))
POINTS = 32
SPACE = """
architecture:
  conv_net: {depth: 3, width_1: {min: 8, max: 32, step: 8}, width_2: 24, width_3: [16, 40], kernel: 3, activation: silu}
  mobilenet_v2: {stages: 2, blocks: 1, width: [8, 16], expansion: [2, 4], kernel: 3}
pruner: {none: null, l1_norm: null}
sparsity: {level: {min: 0.1, max: 0.6, step: 0.1}, slope: {min: -0.2, max: 0.2, step: 0.1}}
quantizer: {none: null, lsq: {epochs: 1}, ptq: null, float16: null}
weight_bits: {level: {min: 2, max: 8}, slope: {min: -2, max: 2}}
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    torch.set_num_threads(1)
    file = tmp_path_factory.mktemp("space") / "families.yaml"
    file.write_text(SPACE, encoding="utf-8")
    return load_space(str(file))


@pytest.mark.slow
def test_relatives_are_described_as_if_each_were_exported(space, monkeypatch):
    exported = []

    def counting(*args, **names):
        exported.append(args)
        return torch_graph.torch_graph(*args, **names)

    monkeypatch.setattr(families, "torch_graph", counting)
    known, generator = Families(TASK), random.Random(0)  # noqa: S311
    for _ in range(POINTS):
        recipe = space.recipe(random_point(space, generator), seed=0)
        found = known.describe(recipe)
        network = untrained_network(recipe, TASK)
        expected = outline(
            network.model,
            image_shape=TASK.image_shape,
            normalization=TASK.normalization,
            quantization=network.quantization,
        )
        assert found.outline.operations == expected.operations
        assert found.outline.size_bytes == pytest.approx(expected.size_bytes, rel=0.01)
        assert found.parameters == sum(parameter.numel() for parameter in network.model.parameters())
    assert len(exported) < POINTS / 2
