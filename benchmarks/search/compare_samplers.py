"""Compares samplers on tables, in which a trial costs nothing: share of the true front's hypervolume after N trials.

Usage: python benchmarks/search/compare_samplers.py [TABLE]... [--samplers auto,tpe,gp,nsga2,random] [--seeds 10]
       [--running 1,8] [--trials 100] [--keep FILE] [--first-seed 0]

A table is one of those in PROBLEMS. ``--keep`` names a file of JSON lines: runs that it has are not run again.
"""

import argparse
import heapq
import json
import statistics
import time
from pathlib import Path

from optuna.samplers import TPESampler
from plain_optuna import PlainOptuna
from tabular_problem import OBJECTIVES, TabularProblem, digits_table, nas_bench_201

from automl.core.trial import Trial
from automl.suggest.auto_suggester import AutoSuggester
from automl.suggest.optuna_suggester import OptunaSuggester
from automl.suggest.suggester import Suggester, point_key

STEPS = (25, 50, 100)
PROBLEMS = {
    "nas_bench_201_cifar10": lambda: nas_bench_201("cifar10", error=0.20),
    "nas_bench_201_cifar100": lambda: nas_bench_201("cifar100", error=0.37),
    "nas_bench_201_imagenet16": lambda: nas_bench_201("imagenet", error=0.60),
    "digits_table": lambda: digits_table("trials", error=0.20),
}
"""The first is for development. The others are for judging, their errors set before any run: as far from the best
network as 20 % is on CIFAR-10, on the way to chance."""


def suggester_of(sampler: str, problem: TabularProblem, seed: int) -> Suggester:
    """Make a sampler; only ours is told what is known before training."""
    if sampler == "auto":
        return AutoSuggester(problem.space, OBJECTIVES, seed=seed, known=problem)
    if sampler == "auto knowing nothing":
        return AutoSuggester(problem.space, OBJECTIVES, seed=seed)
    if sampler == "optuna's tpe":
        return PlainOptuna(problem.space, TPESampler(seed=seed, multivariate=True))
    return OptunaSuggester(problem.space, OBJECTIVES, sampler=sampler, seed=seed)


def run(problem: TabularProblem, suggester: Suggester, *, trials: int, running: int) -> list[Trial]:
    """Run a search in which always so many trials run, each as long as its network took to train."""
    done: list[Trial] = []
    started: list[tuple[float, int, Trial]] = []
    clock, number = 0.0, 0
    while len(done) < trials:
        while len(started) < running and number < trials:
            point = suggester.ask()
            if point is None:
                break
            seconds = problem.train_seconds[point_key(point)]
            heapq.heappush(started, (clock + seconds, number, problem.trial(number, point)))
            number += 1
        if not started:
            break
        clock, _, trial = heapq.heappop(started)
        suggester.tell(trial)
        done.append(trial)
    return done


def measured(problem: TabularProblem, sampler: str, seed: int, *, trials: int, running: int) -> dict[str, object]:
    """Run one search and say what it found."""
    began = time.process_time()
    done = run(problem, suggester_of(sampler, problem, seed), trials=trials, running=running)
    seconds = time.process_time() - began
    return {
        "table": problem.name,
        "sampler": sampler,
        "seed": seed,
        "running": running,
        "trials": trials,
        "shares": {step: problem.share(done[:step]) for step in STEPS if step <= trials},
        "duplicates": len(done) - len({point_key(trial.point) for trial in done}),
        "cpu_seconds_a_trial": seconds / len(done),
    }


def main() -> None:
    """Run what is asked for and print one table a problem and a number of running trials."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", default=["nas_bench_201_cifar10"])
    parser.add_argument("--samplers", default="auto,tpe,gp,nsga2,random")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--running", default="1,8")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    kept = [json.loads(line) for line in options.keep.open()] if options.keep and options.keep.exists() else []
    for table in options.tables:
        problem = PROBLEMS[table]()
        for running in map(int, options.running.split(",")):
            print(f"\n{table}, {running} running, {options.seeds} seeds\n\n{HEAD}", flush=True)
            for sampler in options.samplers.split(","):
                found = []
                for seed in range(options.first_seed, options.first_seed + options.seeds):
                    asked = {
                        "table": problem.name,
                        "sampler": sampler,
                        "seed": seed,
                        "running": running,
                        "trials": options.trials,
                    }
                    result = next((one for one in kept if asked.items() <= one.items()), None)
                    if result is None:
                        result = measured(problem, sampler, seed, trials=options.trials, running=running)
                        result = json.loads(json.dumps(result))
                        if options.keep:
                            with options.keep.open("a", encoding="utf-8") as file:
                                file.write(json.dumps(result) + "\n")
                    found.append(result)
                print(row(sampler, found), flush=True)


HEAD = (
    "| sampler | " + " | ".join(f"at {step}" for step in STEPS) + " | duplicates | CPU s a trial |\n" + "|---" * 6 + "|"
)


def row(sampler: str, found: list[dict[str, dict[str, float]]]) -> str:
    """Give the means, and their standard errors."""
    cells = []
    for step in STEPS:
        shares = [one["shares"][str(step)] for one in found if str(step) in one["shares"]]
        error = statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else float("nan")
        cells.append(f"{statistics.mean(shares):.3f} ± {error:.3f}" if shares else "")
    duplicates = statistics.mean(one["duplicates"] for one in found)
    seconds = statistics.mean(one["cpu_seconds_a_trial"] for one in found)
    return f"| {sampler} | {' | '.join(cells)} | {duplicates:.1f} | {seconds:.2f} |"


if __name__ == "__main__":
    main()
