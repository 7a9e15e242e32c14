"""Compares ways to offer sparsity and bits a layer to a search: one level, a curve over depth, or one number a layer.

Usage: python benchmarks/search/space_shape.py [--seeds 5] [--trials 100] [--keep runs.jsonl] [--table]

Two networks are trained once each on digits, and compressed as ``CompressionProblem`` says. Shares are of the
hypervolume of all that any run found. ``--keep`` names a file of JSON lines: runs that it has are not run again, and
``--table`` prints what it has and runs nothing.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from compression_problem import PRUNER, QUANTIZER, Compression, CompressionProblem
from tabular_problem import complete_trial

from automl.core.objective import Objective
from automl.core.pareto import hypervolume, non_dominated
from automl.core.space import SearchSpace
from automl.core.training_settings import TrainingSettings
from automl.core.value import Point
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.suggest.auto_suggester import AutoSuggester
from automl.suggest.initial_points import initial_points
from automl.suggest.optuna_suggester import OptunaSuggester
from automl.suggest.suggester import Suggester

STEPS = (25, 50, 100)
SAMPLERS = ("auto", "tpe", "random")
OBJECTIVES = tuple(map(Objective.parse, ("accuracy:max", "size_bytes:min", "macs:min")))
ERROR = 0.2
"""The largest error that counts; the other sides of the reference are those of the network that keeps all."""
PROBLEMS: Mapping[str, Callable[[], CompressionProblem]] = {
    "conv_net": lambda: CompressionProblem(
        "conv_net",
        "conv_net",
        {"depth": 4, "width_1": 32, "width_2": 48, "width_3": 64, "width_4": 64, "kernel": 3, "activation": "relu"},
        "digits",
        TrainingSettings(epochs=30, batch_size=64, learning_rate=0.01),
        recovery_epochs=1,
    ),
    "resnet": lambda: CompressionProblem(
        "resnet",
        "resnet",
        {"stages": 3, "blocks": 2, "width": 16},
        "digits",
        TrainingSettings(epochs=15, batch_size=64, learning_rate=0.01),
        recovery_epochs=1,
    ),
}
LEVEL, SLOPE, OFFSETS = "level", "slope", "offsets"
PER_LAYER = "one number a layer"
SHAPES: Mapping[str, Sequence[str]] = {
    "level": (LEVEL,),
    "level, slope": (LEVEL, SLOPE),
    "level, slope, 2 offsets": (LEVEL, SLOPE, OFFSETS),
    PER_LAYER: (PER_LAYER,),
}
"""The second is what most shipped spaces have, the third what ``digits.yaml`` has."""
USUAL = "level, slope"
SPARSITY = {
    LEVEL: {"min": 0.0, "max": 0.7, "step": 0.1},
    SLOPE: {"min": -0.2, "max": 0.2, "step": 0.1},
    OFFSETS: {"sections": 2, "min": -0.2, "max": 0.2, "step": 0.1},
}
WEIGHT_BITS = {
    LEVEL: {"min": 2, "max": 8},
    SLOPE: {"min": -2, "max": 2},
    OFFSETS: {"sections": 2, "min": -2, "max": 2},
}


def space_of(shape: str, problem: CompressionProblem) -> SearchSpace:
    """Make the space of a shape, as its file would say it."""
    file = {
        "architecture": {problem.architecture: dict(problem.fields)},
        "pruner": {PRUNER: {"recovery_epochs": problem.recovery_epochs}},
        "sparsity": _profile(SHAPES[shape], SPARSITY, layers=len(problem.widths)),
        "quantizer": {QUANTIZER: None},
        "weight_bits": _profile(SHAPES[shape], WEIGHT_BITS, layers=len(problem.layers)),
    }
    return resolve_space(shape, parse_located(json.dumps(file), shape))


def _profile(keys: Sequence[str], ranges: Mapping[str, Mapping[str, float]], *, layers: int) -> dict[str, object]:
    if PER_LAYER in keys:
        return {"per_layer": {"layers": layers, **ranges[LEVEL]}}
    return {key: ranges[key] for key in keys}


@dataclass(frozen=True)
class Known:
    """Tells ``auto`` what is known before training, as a search does."""

    problem: CompressionProblem
    space: SearchSpace

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Predict size and multiplications."""
        return self.problem.known([self.problem.compression(self.space, point) for point in points])


def run(problem: CompressionProblem, space: SearchSpace, *, sampler: str, seed: int, trials: int) -> list[Compression]:
    """Run one search, one trial at a time, and give what it tried; ``auto`` begins with the corners, as ever."""
    suggester: Suggester
    if sampler == "auto":
        suggester = AutoSuggester(space, OBJECTIVES, seed=seed, known=Known(problem, space))
    else:
        suggester = OptunaSuggester(space, OBJECTIVES, sampler=sampler, seed=seed)
    corners = initial_points(space) if sampler == "auto" else []
    for point in corners:
        suggester.reserve(point)
    tried: list[Compression] = []
    while len(tried) < trials:
        point = corners[len(tried)] if len(tried) < len(corners) else suggester.ask()
        if point is None:
            break
        compression = problem.compression(space, point)
        suggester.tell(complete_trial(len(tried), point, problem.metrics(compression)))
        tried.append(compression)
    return tried


def record(
    problem: CompressionProblem, shape: str, *, sampler: str, seed: int, trials: int
) -> dict[str, Any]:  # JSON holds any type
    """Run one search and give the line that keeps it."""
    began, known = time.process_time(), len(problem.accuracies)
    space = space_of(shape, problem)
    tried = run(problem, space, sampler=sampler, seed=seed, trials=trials)
    largest = problem.known([problem.largest])[0]
    metrics = [problem.metrics(compression) for compression in tried]
    return {
        "problem": problem.name,
        "float_accuracy": problem.float_accuracy,
        "shape": shape,
        "dimensions": len(space.parameters),
        "sampler": sampler,
        "seed": seed,
        "trials": trials,
        "tried": [compression.key for compression in tried],
        "accuracies": [one["accuracy"] for one in metrics],
        "losses": [
            [round((1 - one["accuracy"]) / ERROR, 6), *(round(one[name] / largest[name], 6) for name in largest)]
            for one in metrics
        ],
        "new": len(problem.accuracies) - known,
        "cpu_seconds": time.process_time() - began,
    }


def print_table(name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """Print the shares of one network's runs, by the seeds that every sampler and shape has."""
    cells = {
        (shape, sampler): {line["seed"]: line for line in lines if (line["shape"], line["sampler"]) == (shape, sampler)}
        for sampler in SAMPLERS
        for shape in SHAPES
    }
    seeds = sorted(set.intersection(*(set(found) for found in cells.values())))
    whole = volume([loss for line in lines for loss in line["losses"]])
    print(f"\n{name}, {len(seeds)} seeds\n")
    if len(seeds) < 2:
        print("a standard error needs two seeds")
        return
    heads = " | ".join(f"at {step}" for step in STEPS)
    print(f"| sampler | space | parameters | {heads} | against {USUAL}, at {STEPS[-1]} | equal networks |")
    print("|---" * (len(STEPS) + 5) + "|")
    shares = {
        cell: [[volume(found[seed]["losses"][:step]) / whole for seed in seeds] for step in STEPS]
        for cell, found in cells.items()
    }
    for (shape, sampler), found in cells.items():
        own, usual = shares[shape, sampler], shares[USUAL, sampler]
        gain = statistics.mean(own[-1]) - statistics.mean(usual[-1])
        margin = math.hypot(_error(own[-1]), _error(usual[-1]))
        equal = statistics.mean(len(found[seed]["tried"]) - len(set(found[seed]["tried"])) for seed in seeds)
        columns = [f"{statistics.mean(share):.3f} ± {_error(share):.3f}" for share in own]
        against = "" if shape == USUAL else f"{gain:+.3f} ± {margin:.3f}"
        dimensions = found[seeds[0]]["dimensions"]
        print(f"| {sampler} | {shape} | {dimensions} | {' | '.join(columns)} | {against} | {equal:.1f} |")


def volume(losses: Sequence[Sequence[float]]) -> float:
    """Measure what losses dominate, relative to the reference."""
    inside = sorted({tuple(loss) for loss in losses if max(loss) < 1})
    return hypervolume([inside[index] for index in non_dominated(inside)], (1.0, 1.0, 1.0))


def _error(shares: Sequence[float]) -> float:
    """Give the standard error of a mean."""
    return statistics.stdev(shares) / len(shares) ** 0.5


def main() -> None:
    """Run what is asked for, seed by seed, and print one table a network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = [json.loads(line) for line in options.keep.open()] if options.keep and options.keep.exists() else []
    names = options.problems.split(",")
    problems = {} if options.table else {name: made(name, kept) for name in names}
    for seed, name, sampler, shape in product(range(options.seeds), problems, SAMPLERS, SHAPES):
        asked = {"problem": name, "shape": shape, "sampler": sampler, "seed": seed, "trials": options.trials}
        if any(asked.items() <= line.items() for line in kept):
            continue
        kept.append(record(problems[name], shape, sampler=sampler, seed=seed, trials=options.trials))
        if options.keep:
            with options.keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept[-1]) + "\n")
    for name in names:
        print_table(name, [line for line in kept if line["problem"] == name and line["trials"] == options.trials])


def made(name: str, kept: Sequence[Mapping[str, Any]]) -> CompressionProblem:
    """Train a network, and let it know what runs before found of it."""
    problem = PROBLEMS[name]()
    errors = problem.size_errors()
    print(
        f"{name}: {problem.float_accuracy:.2%} in float, {len(problem.widths)} groups of channels, "
        f"{len(problem.layers)} layers; sizes are off by {statistics.median(errors):.2%} (median) to {max(errors):.2%}",
        flush=True,
    )
    for line in kept:
        if line["problem"] == name:
            if line["float_accuracy"] != problem.float_accuracy:
                raise SystemExit(f"{name} was another network when these runs were kept; name another file")
            problem.accuracies.update(zip(line["tried"], line["accuracies"], strict=True))
    return problem


if __name__ == "__main__":
    main()
