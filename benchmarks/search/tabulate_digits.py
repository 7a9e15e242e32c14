"""Tries out every network of a small space of digits once, so that samplers can be compared on real trials.

Usage: python benchmarks/search/tabulate_digits.py [--trials N] [--store DIR]

Every trial is real: trained, exported, measured; trials of one network share its training. What the store has is not
run again; the table is the store's
`digits_table/trials.parquet`; `compare_samplers.py digits_table` reads it from STORE.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from automl.core.study import StudySpec
from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.pipeline.stage_cache import FolderCache
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.cache import CacheFolder
from automl.storage.store import TrialStore
from automl.suggest.candidate_pool import whole_space

SPACE = Path(__file__).with_name("digits_table.yaml")
NAME = "digits_table"
STORE = "trials"
LARGEST = 2000
CACHE_BYTES = 1_000_000_000


def main() -> None:
    """Run the points that are missing, in random order."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=LARGEST)
    parser.add_argument("--store", default=STORE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space, dataset = load_space(str(SPACE)), load_dataset("digits")
    spec = StudySpec(
        name=NAME,
        space=space,
        dataset="digits",
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store = TrialStore.open_or_create(options.store, spec)
    done = {trial.number for trial in store.read()}
    points = whole_space(space, LARGEST) or []
    cache = FolderCache(CacheFolder.at(options.store, limit_bytes=CACHE_BYTES))
    runner = TrialRunner(spec, dataset, store, LatencyMeter(), torch.device("cpu"), cache)
    for number in np.random.default_rng(0).permutation(len(points))[: options.trials].tolist():
        if number not in done:
            trial = runner.run(number, points[number])
            store.delete_artifact(number)
            print(number, trial.state, dict(trial.metrics) or trial.error, flush=True)
    store.compact()


if __name__ == "__main__":
    main()
