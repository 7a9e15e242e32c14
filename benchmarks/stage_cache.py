"""Shows what the stage cache saves, and that it changes no result.

Usage: python benchmarks/stage_cache.py [SPACE] [--sampler random] [--budget 100] [--workers 2]

The same search runs without the cache, with an empty one, and under another name and objective with the cache that
the second left. The objectives are accuracy and size: latency is measured anew each time, and would let a sampler
that learns choose other points. For the same reason such a sampler (all but random) is compared with --workers 1.

With --recorded STORE/STUDY nothing is trained: the script counts what a cache would have saved a study that is there.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from automl.pipeline.paid_share import PaidShare
from automl.pipeline.stage_keys import planned_epochs
from automl.storage.store import TrialStore

WITHOUT, EMPTY, FULL = "without the cache", "with an empty cache", "again, for other objectives"
SHARED = ["fit", "prune", "quantize"]


def main(space: str, sampler: str, budget: int, workers: int) -> None:
    """Run the three searches and print the table."""
    common = [space, "--sampler", sampler, "--budget", str(budget), "--workers", str(workers)]
    deterministic = ["--objective", "accuracy:max", "--objective", "size_bytes:min"]
    with tempfile.TemporaryDirectory() as store:
        searches = {
            WITHOUT: ["--study", "without", "--no-cache", *deterministic],
            EMPTY: ["--study", "with", *deterministic],
            FULL: ["--study", "again", "--objective", "accuracy:max", "--objective", "parameters:min"],
        }
        found = {name: search([*common, *options, "--store", store], store) for name, options in searches.items()}
        entries = list(Path(store, ".cache").glob("*.entry"))
        cache_bytes = sum(entry.stat().st_size for entry in entries)
    print(f"{space}, sampler {sampler}, {budget} trials, {workers} workers\n")
    print("| search | epochs trained | of those without | trials that reuse fit, prune, quantize | wall time |")
    print("|---|---|---|---|---|")
    full = found[WITHOUT][0]["epochs_trained"].sum()
    for name, (rows, wall_seconds) in found.items():
        epochs = rows["epochs_trained"].sum()
        reuse = ", ".join(str(int((rows[f"cached.{step}"] == True).sum())) for step in SHARED)  # noqa: E712 # null is neither
        print(f"| {name} | {epochs:,} | {100 * epochs / full:.1f} % | {reuse} | {wall_seconds:.0f} s |")
    print(f"\nThe cache then holds {len(entries)} results in {cache_bytes / 1e6:.1f} MB.")
    compare(found[WITHOUT][0], found[EMPTY][0])


def count_recorded(study: Path) -> None:
    """Say how many of the epochs of a study an earlier trial of it had trained already, in the order of the trials."""
    store = TrialStore.open(str(study.parent), study.name)
    share, planned, paid, networks = PaidShare(), 0, 0.0, set()
    trials = store.read()
    for trial in trials:
        recipe = store.spec.space.recipe(trial.point, seed=trial.seed)
        epochs = sum(planned_epochs(recipe).values())
        planned, paid = planned + epochs, paid + epochs * share(recipe)
        networks.add(recipe.stages[0].model_dump_json())
        share.add(recipe)
    print(
        f"{store.spec.space.name}: {len(trials)} trials of {len(networks)} networks, {planned:,} epochs planned, ",
        end="",
    )
    print(f"{paid:,.0f} of them ({100 * paid / planned:.1f} %) trained before")


def search(arguments: list[str], store: str) -> tuple[pd.DataFrame, float]:
    """Run one search, and give its rows in the order of their numbers, and its wall time in seconds."""
    started = time.perf_counter()
    command = [str(Path(sys.executable).with_name("automl")), "search", *arguments]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # arguments of this script
    study = arguments[arguments.index("--study") + 1]
    rows = pd.read_parquet(f"{store}/{study}/trials.parquet").sort_values("number", ignore_index=True)
    return rows, time.perf_counter() - started


def compare(without: pd.DataFrame, cached: pd.DataFrame) -> None:
    """Say how many trials and which front are the same with and without the cache."""
    points = [column for column in without if column.startswith("param.")]
    columns = [*points, "state", "metric.accuracy", "metric.size_bytes"]
    left, right = (rows[columns].astype(object).where(rows[columns].notna(), "absent") for rows in (without, cached))
    same = (left == right).all(axis="columns")
    fronts = [front(rows) for rows in (without, cached)]
    print(f"{same.sum()} of {len(without)} trials have the same point, state, accuracy and size; ", end="")
    print(
        f"the fronts of {len(fronts[0])} and {len(fronts[1])} are {'' if fronts[0] == fronts[1] else 'NOT '}the same."
    )


def front(rows: pd.DataFrame) -> list[tuple[int, float, int]]:
    """Give number, accuracy and size of the trials that no other one beats in both."""
    complete = rows[rows["state"] == "COMPLETE"][["number", "metric.accuracy", "metric.size_bytes"]]
    members = list(complete.itertuples(index=False, name=None))
    return [
        each
        for each in members
        if not any(other[1] >= each[1] and other[2] <= each[2] and other[1:] != each[1:] for other in members)
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("space", nargs="?", default="digits")
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--recorded", type=Path)
    chosen = parser.parse_args()
    if chosen.recorded is not None:
        count_recorded(chosen.recorded)
    else:
        main(chosen.space, chosen.sampler, chosen.budget, chosen.workers)
