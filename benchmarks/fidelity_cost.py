"""Measures what comparing a network after each rewrite costs a trial, in one run of trials on digits.

Usage: python benchmarks/fidelity_cost.py [TRIALS]

Random points of the space ``digits`` are evaluated one after the other in one process, as a worker of a search does,
with the stage cache and without; the time spent in comparisons and rehearsals is added up beside that of the trials.
Running validation images one at a time, as the target states, counts where it takes longer than 250 at a time.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import torch
from one_trial import study_of

from automl.datasets.load import load_dataset
from automl.measure import answers as answers_of_files
from automl.measure.latency import LatencyMeter
from automl.network import folding, plain
from automl.pipeline import conversion, stages
from automl.pipeline.rehearsal import Rehearsal
from automl.pipeline.stage_cache import FolderCache, NoCache, StageCache
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.cache import CacheFolder
from automl.storage.store import TrialStore
from automl.suggest.suggester import random_point

_CPU = torch.device("cpu")


@contextmanager
def accounted(seconds: Counter[str]) -> Iterator[None]:
    """Add up the time of comparisons and rehearsals while the context lasts."""

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 # whatever the function takes
            started = time.perf_counter()
            try:
                return function(*arguments, **settings)
            finally:
                seconds[name] += time.perf_counter() - started

        return call

    def predicted(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 # whatever the function takes
        started = time.perf_counter()
        answers_of_files.predict(*arguments, **{**settings, "batch_size": 250})
        at_once = time.perf_counter() - started
        found = answers_of_files.predict(*arguments, **settings)
        seconds["not counted"] += at_once
        seconds["images one at a time"] += time.perf_counter() - started - 2 * at_once
        return found

    with (
        patch.object(Rehearsal, "check_network", timed("rehearsals", Rehearsal.check_network)),
        patch.object(Rehearsal, "check_quantizer", timed("rehearsals", Rehearsal.check_quantizer)),
        patch.object(stages, "check_trains", timed("rehearsals", stages.check_trains)),
        patch.object(stages, "answers", timed("comparisons", stages.answers)),
        patch.object(plain, "answers", timed("comparisons", plain.answers)),
        patch.object(folding, "answers", timed("comparisons", folding.answers)),
        patch.object(conversion, "predict", predicted),
    ):
        yield


def run(trials: int, cache: StageCache, root: str) -> None:
    """Evaluate random points, and print a row of the table."""
    space, dataset = load_space("digits"), load_dataset("digits")
    spec = study_of(space, dataset, name="cost")
    runner = TrialRunner(spec, dataset, TrialStore.open_or_create(root, spec), LatencyMeter(), _CPU, cache)
    generator = random.Random(0)  # noqa: S311 # no secret depends on it
    seconds: Counter[str] = Counter()
    total = 0.0
    with accounted(seconds):
        for number in range(trials):
            total += runner.run(number, random_point(space, generator)).seconds["total"]
    total -= seconds.pop("not counted")
    shares = [f"{100 * seconds[part] / total:.2f} %" for part in ("rehearsals", "comparisons", "images one at a time")]
    kind = "without the stage cache" if isinstance(cache, NoCache) else "with the stage cache"
    print(f"| {kind} | {total / trials:.2f} s | {' | '.join(shares)} | {100 * sum(seconds.values()) / total:.2f} % |")


def main(trials: int) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{trials} trials\n")
    print("| trials | mean | rehearsals | comparisons | images one at a time | together |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        run(trials, FolderCache(CacheFolder.at(f"{root}/shared", limit_bytes=10**9)), f"{root}/shared")
        run(trials, NoCache(), f"{root}/alone")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
