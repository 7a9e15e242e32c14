"""Times one proposal of the sampler `auto` after 100 trials in 40 dimensions, on one core.

Usage: OMP_NUM_THREADS=1 python benchmarks/search/suggest_time.py
"""

import statistics
import time
from collections.abc import Sequence

import numpy as np
from tabular_problem import OBJECTIVES, complete_trial

from automl.core.domain import Categorical, Integer, Real
from automl.core.parameter import Condition, Parameter
from automl.core.space import SearchSpace
from automl.core.training_settings import TrainingSettings
from automl.core.value import Point
from automl.suggest.auto_suggester import AutoSuggester
from automl.suggest.candidate_pool import random_points

TRIALS = 100
TIMED = 10
LAYERS = 13


def space() -> SearchSpace:
    """Make 40 dimensions of every kind: 13 layers of a width, an activation and a sparsity, and whether one prunes."""
    pruned = Condition(parameter="pruner", values=("l1_norm",))
    layers = [
        parameter
        for layer in range(LAYERS)
        for parameter in (
            Parameter(name=f"width_{layer}", domain=Integer(low=8, high=256, log=True)),
            Parameter(name=f"activation_{layer}", domain=Categorical(choices=("relu", "tanh", "gelu"))),
            Parameter(name=f"sparsity_{layer}", domain=Real(low=0.0, high=0.9, step=0.1), condition=pruned),
        )
    ]
    return SearchSpace(
        name="layers",
        description="Forty dimensions",
        parameters=(Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm"))), *layers),
        constants={},
        profiles={},
        training=TrainingSettings(),
        dataset="none",
        objectives=OBJECTIVES,
    )


def metrics(point: Point) -> dict[str, float]:
    """Make up figures that depend on every layer."""
    widths = np.array([float(point[f"width_{layer}"]) for layer in range(LAYERS)])
    kept = np.array([1 - float(point.get(f"sparsity_{layer}", 0.0)) for layer in range(LAYERS)])
    sharp = sum(point[f"activation_{layer}"] == "gelu" for layer in range(LAYERS))
    work = float(np.sum(widths * kept))
    return {"accuracy": 0.95 - 40 / work - 0.002 * sharp, "size_bytes": 100 * work, "latency_ms": 0.01 * work}


class Known:
    """Knows size and latency."""

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Give both."""
        return [{name: value for name, value in metrics(point).items() if name != "accuracy"} for point in points]


def main() -> None:
    """Time proposals with and without what is known before training, and with eight running trials."""
    searched = space()
    points = random_points(searched, TRIALS, np.random.default_rng(0))
    print(
        f"{len(searched.parameters)} dimensions, {TRIALS} trials told\n\n"
        "| known before training | running | median s | worst s |"
    )
    print("|---|---|---|---|")
    for name, known in (("size, latency", Known()), ("nothing: three models", None)):
        for running in (0, 8):
            suggester = AutoSuggester(searched, OBJECTIVES, seed=0, known=known)
            for number, point in enumerate(points):
                suggester.tell(complete_trial(number, point, metrics(point)))
            for _ in range(running):
                suggester.ask()
            seconds = []
            for number in range(TRIALS, TRIALS + TIMED):
                began = time.process_time()
                proposed = suggester.ask() or {}
                seconds.append(time.process_time() - began)
                suggester.tell(complete_trial(number, proposed, metrics(proposed)))
            print(f"| {name} | {running} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
