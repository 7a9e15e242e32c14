"""Compares what is predicted of a network before an epoch with what is measured on its deployed file.

For each space: 64 untrained networks are measured to learn prices, as a search does on a new host; then 40 other
random points are predicted, trained for an epoch, exported and measured.

Usage: python benchmarks/predictors.py [SPACE...]
"""

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from one_trial import noise_dataset

from automl.core.recipe import Recipe
from automl.core.space import SearchSpace
from automl.core.value import Point
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.measure.latency import LatencyMeter
from automl.pipeline.stages import StageRunner
from automl.predict.latency_model import PredictionError, prediction_error
from automl.predict.space_predictor import NETWORKS, SpacePredictor
from automl.predict.structure import Problem
from automl.spaces.load import load_space
from automl.suggest.suggester import random_point

NETWORKS_TESTED = 40
MEASUREMENTS_AT_MOST = 5
SPACES = ("digits", "residual", "cifar10_small")


class Compared(NamedTuple):
    """One network, before and after."""

    predicted: dict[str, float]
    size_bytes: int
    latency_ms: float


def recipe_of_an_epoch(space: SearchSpace, point: Point) -> Recipe:
    """Shorten the training; everything else is the recipe of a trial."""
    recipe = space.recipe(point, seed=0)
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 1})})


def deployed(recipe: Recipe, dataset: Dataset, meter: LatencyMeter, path: Path) -> tuple[int, float] | None:
    """Train, compress, export and measure; None where the point is infeasible, or the machine too busy."""
    try:
        compressed = StageRunner(recipe, dataset, torch.device("cpu")).run()
    except InfeasibleError:
        return None
    export_onnx(
        compressed.model,
        path,
        image_shape=dataset.image_shape,
        normalization=dataset.normalization,
        quantization=compressed.quantization,
    )
    for _ in range(MEASUREMENTS_AT_MOST):
        latency = meter.measure(path, images=dataset.validation.images[:1])
        if latency.is_gated:  # otherwise the machine was never at its best, and the figure is too high
            return path.stat().st_size, latency.latency_ms
    return None


def compare(name: str, state_dir: Path) -> list[Compared]:
    """Learn, predict and measure in one space, and print its row."""
    space = load_space(name)
    dataset = load_dataset("digits") if space.dataset == "digits" else noise_dataset(train=256)
    meter = LatencyMeter(state_dir=state_dir)
    predictor = SpacePredictor(space, Problem.of(dataset))
    learning, testing = random.Random(0), random.Random(1)  # noqa: S311
    started = time.perf_counter()
    predictor.learn_latency((random_point(space, learning) for _ in range(2 * NETWORKS)), meter)
    learn_seconds = time.perf_counter() - started
    compared: list[Compared] = []
    cpu_seconds = 0.0
    while len(compared) < NETWORKS_TESTED:
        point = random_point(space, testing)
        started = time.process_time()
        (predicted,) = predictor.predict([point])
        cpu_seconds += time.process_time() - started
        measured = deployed(recipe_of_an_epoch(space, point), dataset, meter, state_dir / "model.onnx")
        if measured is not None:
            compared.append(Compared(predicted, *measured))
    print_row(name, compared, learn_seconds, 1000 * cpu_seconds / len(compared))
    return compared


def print_row(name: str, compared: list[Compared], learn_seconds: float, point_ms: float) -> None:
    """Print the errors of one space."""
    sizes = np.array([each.size_bytes for each in compared])
    size_errors = np.abs(np.array([each.predicted["size_bytes"] for each in compared]) / sizes - 1)
    latency, macs = latency_error(compared), rank_of_macs(compared)
    print(
        f"| {name} | {len(compared)} | {np.mean(size_errors == 0):.0%} | {np.median(size_errors):.2%} | "
        f"{size_errors.max():.2%} | {latency.median:.1%} | {latency.percentile_90:.1%} | "
        f"{latency.rank_correlation:.3f} | {macs:.3f} | {learn_seconds:.0f} | {point_ms:.0f} |",
        flush=True,
    )


def latency_error(compared: list[Compared]) -> PredictionError:
    """Compare latencies."""
    return prediction_error(
        np.array([each.predicted["latency_ms"] for each in compared]), np.array([each.latency_ms for each in compared])
    )


def rank_of_macs(compared: list[Compared]) -> float:
    """Say how well multiplications alone would rank the networks."""
    macs = np.array([each.predicted["macs"] for each in compared])
    return prediction_error(macs, np.array([each.latency_ms for each in compared])).rank_correlation


def main(names: list[str]) -> None:
    """Print a row a space, and one of all."""
    torch.set_num_threads(1)
    print(
        "| space | networks | size exact | median | worst | latency, median | 90th percentile | rank correlation | "
        "that of MACs | s to learn | ms a point |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        known = LatencyMeter().state_dir / "reference.json"
        if known.exists():  # prices are learnt afresh; how fast this machine can be is known
            shutil.copy(known, folder)
        compared = [each for name in names for each in compare(name, Path(folder))]
    print_row("all", compared, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SPACES))
