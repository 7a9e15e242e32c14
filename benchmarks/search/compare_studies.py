"""Compares searches that were run: the hypervolume of their first 25, 50 and 100 trials, and the epochs trained.

Usage: python benchmarks/search/compare_studies.py STORE STUDY...

The hypervolume is a share of the box up to an error of 20 %, LARGEST_BYTES and LARGEST_MS: once by differences, once
with sizes and latencies by factors, from the smallest of all the studies.
"""

import sys
from pathlib import Path

import moocore
import numpy as np
import pandas as pd

STEPS = (25, 50, 100)
LARGEST_ERROR, LARGEST_BYTES, LARGEST_MS = 0.2, 60_000, 0.06


def losses(study: Path) -> np.ndarray:
    """Read error, size and latency of the trials of a study, in their order; a trial without them is a row of ones."""
    rows = pd.read_parquet(study / "trials.parquet").sort_values("number")
    columns = rows["metric.accuracy"], rows["metric.size_bytes"], rows["metric.latency_ms"]
    accuracy, size, latency = (column.to_numpy(dtype=float) for column in columns)
    found = np.column_stack([(1 - accuracy) / LARGEST_ERROR, size / LARGEST_BYTES, latency / LARGEST_MS])
    return np.nan_to_num(found, nan=1.0)


def by_factors(found: np.ndarray, smallest: np.ndarray) -> np.ndarray:
    """Put sizes and latencies on a logarithmic scale from the smallest, 0, to the largest, 1."""
    scaled = found.copy()
    scaled[:, 1:] = 1 - np.log(found[:, 1:]) / np.log(smallest)
    return scaled


def main(store: Path, studies: list[str]) -> None:
    """Print the table."""
    found = {study: losses(store / study) for study in studies}
    smallest = np.vstack(list(found.values()))[:, 1:].min(axis=0)
    print("| study | by differences: 25 | 50 | 100 | by factors: 25 | 50 | 100 | epochs trained |")
    print("|---" * 8 + "|")
    for study, all_losses in found.items():
        shares = [
            float(moocore.hypervolume(some[:step], ref=np.ones(3)))
            for some in (all_losses, by_factors(all_losses, smallest))
            for step in STEPS
        ]
        epochs = pd.read_parquet(store / study / "trials.parquet")["epochs_trained"].sum()
        print(f"| {study} | {' | '.join(f'{share:.3f}' for share in shares)} | {epochs:,} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
