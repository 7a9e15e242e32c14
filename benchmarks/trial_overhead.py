"""Measures what a trial costs beyond its fits, exports and measurements, in a real search.

Usage: python benchmarks/trial_overhead.py [BUDGET]
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime

import pandas as pd

WORKERS = 2
WORK = ["build", "fit", "prune", "quantize", "export", "measure"]


def main(budget: int) -> None:
    """Run a search on the embedded data set and print the table."""
    with tempfile.TemporaryDirectory() as store:
        command = ["automl", "search", "--budget", str(budget), "--workers", str(WORKERS), "--store", store]
        asked, clock = datetime.now(UTC), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # a fixed command
        wall = time.perf_counter() - clock
        rows = pd.read_parquet(f"{store}/digits/trials.parquet")
    seconds = rows[[f"seconds.{step}" for step in WORK]].fillna(0.0)
    started, finished = rows["started_at"].min(), rows["finished_at"].max()
    span = (finished - started).total_seconds()
    total = rows["seconds.total"].sum()
    outside = max(WORKERS * span - total, 0.0)
    print(f"{len(rows)} trials, {WORKERS} workers, {wall:.0f} s from start to end\n")
    print("| step | seconds a trial (mean) | share |")
    print("|---|---|---|")
    everything = WORKERS * span / len(rows)
    steps = [(step, seconds[f"seconds.{step}"].mean()) for step in WORK]
    steps.append(("inside the trial, none of these", (rows["seconds.total"] - seconds.sum(axis=1)).mean()))
    steps.append(("between trials: engine, sampler, store", outside / len(rows)))
    for step, mean in steps:
        print(f"| {step} | {mean:.3f} | {100 * mean / everything:.1f} % |")
    print(f"\nfirst trial starts after {(started - asked).total_seconds():.1f} s; ", end="")
    print(f"the end (final front, report) takes {wall - (finished - asked).total_seconds():.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
