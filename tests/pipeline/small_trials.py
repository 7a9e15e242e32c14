"""Trials of a second each, that use every step, and techniques that try what a cache must stand."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from installed_plugins import also_installed
from torch import nn

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.space import SearchSpace
from automl.datasets.dataset import Dataset, Split
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.pipeline.stage_cache import FolderCache, NoCache, StageCache
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE
from automl.spaces.load import load_space
from automl.storage.cache import CacheFolder
from automl.technique import Architecture, Pruner
from automl_plugins.tasks.classification import Classification

SPACE = """
architecture:
  conv_net: {depth: 2, width_1: [8], width_2: [8, 16], kernel: 3, activation: relu}
  shared_body:
training: {epochs: 2, learning_rate: 0.02, batch_size: 32}
pruner:
  none:
  level: {recovery_epochs: 1}
  l1_norm: {recovery_epochs: 1}
  careless:
  fussy:
  failing:
sparsity: {level: [0.3, 0.5], slope: 0}
quantizer:
  none:
  ptq:
  qat: {epochs: 1}
  lsq: {epochs: 1}
weight_bits: {level: [4, 8], slope: 0}
"""
FLOAT = {"architecture": "conv_net", "conv_net.width_2": 8, "pruner": "none", "quantizer": "none"}
CHAINS = {
    "float": FLOAT,
    "pruned": {**FLOAT, "pruner": "level", "sparsity.level": 0.5},
    "quantized": {**FLOAT, "quantizer": "lsq", "weight_bits.level": 4},
    "both": {**FLOAT, "pruner": "l1_norm", "sparsity.level": 0.3, "quantizer": "qat", "weight_bits.level": 8},
    "careless": {**FLOAT, "pruner": "careless", "sparsity.level": 0.3, "quantizer": "ptq", "weight_bits.level": 8},
    "made once": {"architecture": "shared_body", "pruner": "none", "quantizer": "none"},
}


class SharedBody(Architecture):
    """Begins with layers that are trained once for all."""

    name = "shared_body"

    def build(self, context):
        def make():
            model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4))
            context.fit(model, epochs=1, learning_rate=0.01)
            return model

        body, again = context.once("body", make), context.once("body", make)
        assert body is not again
        assert torch.equal(body[1].weight, again[1].weight)
        return nn.Sequential(*body[:3], nn.Linear(8, 4))


class Careless(Pruner):
    """Draws from every global source of chance."""

    name = "careless"

    def prune(self, model, _sparsity, _context):
        first = next(model.parameters()).data
        first += 0.01 * torch.randn_like(first) + 0.01 * np.random.normal()  # noqa: NPY002 # as careless people do
        return model


class Fussy(Pruner):
    """Refuses every network before it is trained."""

    name = "fussy"

    def check(self, _model, _sparsity, _context):
        raise InfeasibleError("not to my taste")

    def prune(self, model, _sparsity, _context):
        return model


class Failing(Pruner):
    """Fails until it is told not to."""

    name = "failing"
    fails: ClassVar[bool] = True

    def prune(self, model, _sparsity, _context):
        if self.fails:
            raise RuntimeError("out of luck")
        return model


@contextmanager
def installed() -> Iterator[None]:
    """Install the techniques above beside those that ship, and compute as a worker does."""
    torch.set_num_threads(1)
    with also_installed(TECHNIQUE, SharedBody, Careless, Fussy, Failing):
        yield


def small_space() -> SearchSpace:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(SPACE)
        file.flush()
        return load_space(file.name)


def small_dataset() -> Dataset:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 96)
    images = np.clip(generator.normal(60 * labels[:, None, None, None], 40, (96, 1, 8, 8)), 0, 255).astype(np.uint8)
    split = Split(images, labels)
    normalization = Normalization.from_statistics(90.0, 60.0)
    return Dataset(
        "patterns",
        split,
        split,
        split,
        Classification(outputs=4),
        normalization,
        Augmentation.SHIFT,
        fingerprint="patterns",
    )


def folder_cache(root: Path) -> FolderCache:
    return FolderCache(CacheFolder.at(str(root), limit_bytes=10**9))


def runner_of(chain: str, cache: StageCache | None = None, *, seed: int = 3) -> StageRunner:
    recipe = small_space().recipe(CHAINS.get(chain, {**FLOAT, "pruner": chain, "sparsity.level": 0.5}), seed=seed)
    return StageRunner(recipe, small_dataset(), torch.device("cpu"), cache or NoCache())


def file_of(runner: StageRunner, folder: Path) -> bytes:
    """Run the stages, and give the file that would be deployed."""
    result = runner.run()
    data, path = runner.dataset, folder / "model.onnx"
    export_onnx(
        result.model,
        path,
        image_shape=data.image_shape,
        normalization=data.normalization,
        quantization=result.quantization,
    )
    return path.read_bytes()
