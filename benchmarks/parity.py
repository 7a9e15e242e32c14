"""Compares simulated with deployed accuracy over random recipes of all quantizers, and writes docs/parity.md.

Recipes are drawn at random from architectures, pruners and bits; quantizers take turns. Both accuracies are of the
same held-out images: validation and test together, up to 4,000, so that one image is at most 0.14 points on digits.

Usage: python benchmarks/parity.py [RECIPES [DATASET]]
"""

import random
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import torch

from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.measure.answers import predict
from automl.pipeline.departure import first_departure
from automl.pipeline.simulation import simulated_logits
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE
from automl.runtime import LOGITS

PAGE = Path(__file__).parents[1] / "docs" / "parity.md"
LIMIT_POINTS = 0.5
MAX_IMAGES = 4000
TRAINING = TrainingSettings(epochs=8, batch_size=64, learning_rate=0.01, max_train_images=4000)
ARCHITECTURES: dict[str, dict[str, tuple[Any, ...]]] = {
    "conv_net": {
        "depth": (2, 3, 4),
        **{f"width_{stage}": (8, 16, 24, 32, 48) for stage in (1, 2, 3, 4)},
        "kernel": (3, 5),
        "activation": ("relu", "tanh", "gelu", "silu", "hardswish"),
    },
    "resnet": {"stages": (1, 2, 3), "blocks": (1, 2), "width": (8, 16, 24)},
    "mobilenet_v2": {
        "stages": (1, 2, 3),
        "blocks": (1, 2),
        "width": (8, 16),
        "expansion": (2, 4, 6),
        "kernel": (3, 5),
    },
}


class Compared(NamedTuple):
    """One recipe: accuracies in percent, answers that agree as a share, where the file departs, if it does."""

    recipe: Recipe
    simulated: float
    deployed: float
    agreement: float
    departure: str = ""

    @property
    def gap(self) -> float:
        """Points between simulated and deployed accuracy."""
        return abs(self.simulated - self.deployed)


def recipes(seed: int) -> Iterator[Recipe]:
    """Draw recipes without end; each quantizer has its turn."""
    draw = random.Random(seed)  # noqa: S311 # not for secrets
    loaded = {name: plugin.load() for name, plugin in TECHNIQUE.installed().items()}
    pruners = [None, *(name for name, technique in loaded.items() if technique.stage is Stage.PRUNER)]
    quantizers = [name for name, technique in loaded.items() if technique.stage is Stage.QUANTIZER]
    while True:
        for quantizer in quantizers:
            stages = [_architecture(draw)]
            pruner = draw.choice(pruners)
            if pruner is not None:
                base = loaded[pruner].model_fields.get("base")
                fields = {"base": draw.choice(get_args(base.annotation))} if base is not None else {}
                sparsity = Profile(level=draw.uniform(0.1, 0.7), slope=draw.uniform(-0.2, 0.2), high=0.9)
                stages.append(_stage(Stage.PRUNER, pruner, fields, sparsity))
            bits = Profile(level=draw.randint(2, 8), slope=draw.randint(-2, 2), low=2, high=8)
            stages.append(_stage(Stage.QUANTIZER, quantizer, {}, bits))
            yield Recipe(stages=tuple(stages), training=TRAINING, seed=draw.randrange(1000))


def _architecture(draw: random.Random) -> StageRecipe:
    name = draw.choice(list(ARCHITECTURES))
    fields = {field: draw.choice(values) for field, values in ARCHITECTURES[name].items()}
    return _stage(Stage.ARCHITECTURE, name, fields, None)


def _stage(stage: Stage, technique: str, fields: dict[str, Any], profile: Profile | None) -> StageRecipe:
    return StageRecipe(stage=stage, technique=technique, hyperparameters=fields, profile=profile)


def compare(recipe: Recipe, dataset: Dataset) -> Compared:
    """Run a recipe, and answer the held-out images with the simulation and with the file."""
    compressed = StageRunner(recipe, dataset, torch.device("cpu")).run()
    model, quantization = compressed.model, compressed.quantization
    images = np.concatenate([dataset.validation.images, dataset.test.images])[:MAX_IMAGES]
    labels = np.concatenate([dataset.validation.labels, dataset.test.labels])[:MAX_IMAGES]
    simulated = simulated_logits(model, quantization, images, dataset.normalization)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        shape, normalization = dataset.image_shape, dataset.normalization
        export_onnx(model, path, image_shape=shape, normalization=normalization, quantization=quantization)
        deployed = predict(path, images)
    agreement = float((simulated.argmax(1) == deployed.argmax(1)).mean())
    accuracies = [100 * dataset.task.score(logits, labels) for logits in (simulated, deployed)]
    compared = Compared(recipe, *accuracies, agreement)
    if compared.gap <= LIMIT_POINTS or quantization is None:
        return compared
    return compared._replace(
        departure=first_departure(model, quantization, dataset.validation.images, dataset.normalization) or LOGITS
    )


def main(count: int, spec: str) -> None:
    """Compare so many recipes and write the page."""
    torch.set_num_threads(1)
    dataset = load_dataset(spec)
    found: list[Compared] = []
    refused = 0
    for recipe in recipes(seed=0):
        if len(found) == count:
            break
        try:
            found.append(compare(recipe, dataset))
        except InfeasibleError as reason:
            refused += 1
            print(f"refused: {_text(recipe)}: {reason}", flush=True)
        else:
            print(_row(found[-1]), flush=True)
    images = min(MAX_IMAGES, len(dataset.validation.labels) + len(dataset.test.labels))
    kept = [compared for compared in found if compared.gap <= LIMIT_POINTS]
    summary = (
        f"{len(kept)} of {len(found)} recipes ({len(kept) / len(found):.0%}) differ by at most {LIMIT_POINTS} points "
        f"on {images} held-out images of `{spec}`. The largest gap is {max(compared.gap for compared in found):.2f} "
        f"points, the mean {np.mean([compared.gap for compared in found]):.2f}; "
        f"{np.mean([compared.agreement for compared in found]):.2%} of all answers agree. "
        f"Refused before training: {refused}."
    )
    print(f"\n{summary}")
    PAGE.parent.mkdir(exist_ok=True)
    ordered = sorted(found, key=lambda compared: -compared.gap)
    PAGE.write_text(
        HEAD.format(summary=textwrap.fill(summary, 120)) + "\n".join(map(_row, ordered)) + "\n", encoding="utf-8"
    )


def _row(compared: Compared) -> str:
    return (
        f"| {_text(compared.recipe)} | {compared.simulated:.2f} | {compared.deployed:.2f} | {compared.gap:.2f} "
        f"| {100 * compared.agreement:.2f} | {compared.departure} |"
    )


def _text(recipe: Recipe) -> str:
    return " → ".join(_stage_text(stage) for stage in recipe.stages)


def _stage_text(stage: StageRecipe) -> str:
    fields = ", ".join(str(value) for value in stage.hyperparameters.values())
    text = f"{stage.technique}({fields})" if fields else stage.technique
    if stage.profile is None:
        return text
    if stage.stage is Stage.PRUNER:
        return f"{text} {stage.profile.level:.0%}"
    return f"{text} {stage.profile.level:.0f}{stage.profile.slope:+.0f} bits"


HEAD = """# Simulated against deployed

`python benchmarks/parity.py` makes this page: random recipes, each trained and compressed as in a search, with few
epochs. The simulation is torch with each activation rounded to its grid; deployed is the exported file in ONNX Runtime.

{summary}

Where the gap is larger than that, the last column names the first module whose deployed output is more than a step
off for one value in 200. What differs are single steps: the runtime rounds each bias to int32 and sums in integers, so
a value near the middle of two steps may fall to the other side, and a sum on a finer grid than its inputs doubles that.

| recipe | simulated % | deployed % | gap | answers that agree % | departs at |
|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2] if len(sys.argv) > 2 else "digits")
