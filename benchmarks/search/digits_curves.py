"""Tabulates the learning curves of random networks of the digits space, for comparing ways of stopping early.

A row is a network in float32: its validation accuracy after each epoch, the bytes and the latency of its file. Rows
that the table has already are not made again, so the script may be ended and started at any time.

Usage: python benchmarks/search/digits_curves.py [NETWORKS]
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import torch

from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.value import Scalar
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.export.onnx_writer import export_onnx
from automl.measure.latency import LatencyMeter
from automl.network.folding import fold_batch_norm
from automl.pipeline.stages import StageRunner
from automl.spaces.load import load_space
from automl.suggest.suggester import random_point
from automl.training.batches import normalize
from automl.training.fit import fit, task_loss
from automl.training.predict import predict

TABLE = Path(__file__).parent / "digits_curves.jsonl"
NETWORKS = 400
PREFIX = "conv_net."


def points(count: int) -> list[dict[str, Scalar]]:
    """Draw different architectures of the space."""
    space, generator = load_space("digits"), random.Random(0)  # noqa: S311 # no secret depends on it
    found: dict[str, dict[str, Scalar]] = {}
    while len(found) < count:
        drawn = random_point(space, generator)
        architecture = {name.removeprefix(PREFIX): value for name, value in drawn.items() if name.startswith(PREFIX)}
        found.setdefault(json.dumps(architecture, sort_keys=True), architecture)
    return list(found.values())


def row(architecture: dict[str, Scalar], dataset: Dataset, meter: LatencyMeter) -> dict[str, object]:
    """Train one network, and measure it after each epoch."""
    device = torch.device("cpu")
    stage = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters=architecture)
    recipe = Recipe(stages=(stage,), training=load_space("digits").training, seed=0)
    model = StageRunner(recipe, dataset, device).build()
    validation, curve = dataset.validation, []

    def note(_epoch: int, _loss: float) -> None:
        logits = predict(model, validation.images, normalization=dataset.normalization, device=device)
        curve.append(round(dataset.task.score(logits, validation.labels), 5))

    fit(
        model,
        dataset.train,
        settings=recipe.training,
        normalization=dataset.normalization,
        augmentation=dataset.augmentation,
        device=device,
        seed=0,
        loss=task_loss(dataset.task, recipe.training),
        on_epoch=note,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(
            fold_batch_norm(model, normalize(torch.tensor(validation.images[:24]), dataset.normalization)),
            path,
            image_shape=dataset.image_shape,
            normalization=dataset.normalization,
            quantization=None,
        )
        latency = meter.measure(path, images=validation.images[:1])
        size = path.stat().st_size
    return {**architecture, "size_bytes": size, "latency_ms": round(latency.latency_ms, 6), "accuracy": curve}


def main(count: int) -> None:
    """Append the rows that are missing."""
    torch.set_num_threads(1)
    dataset, meter = load_dataset("digits"), LatencyMeter()
    done = len(TABLE.read_text(encoding="utf-8").splitlines()) if TABLE.exists() else 0
    for architecture in points(count)[done:]:
        with TABLE.open("a", encoding="utf-8") as table:
            table.write(json.dumps(row(architecture, dataset, meter)) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else NETWORKS)
