"""Measures what the engine, the sampler and the store cost a trial, by trials that do nothing, and the peak memory.

Usage: python benchmarks/engine_cost.py [--trials 200] [--workers 2] [--sampler tpe]

A trial's figures are made up from its point, and its row is written as any other: all that is left out is building,
training, exporting and measuring a network.
"""

import argparse
import os
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

import psutil
from one_trial import study_of

from automl.core.pace import WHOLE, Pace
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.engines import ray_engine as engine
from automl.engines.cluster import LOCAL, Cluster
from automl.search.options import KeepArtifacts
from automl.search.session import Progress, SearchSession
from automl.spaces.load import load_space
from automl.storage.store import TrialStore
from automl.suggest.samplers import make_suggester


class NoOpRunner:
    """Ends every trial at once."""

    def __init__(self, store: TrialStore) -> None:
        self._store = store

    def run(self, number: int, point: Point, pace: Pace = WHOLE) -> Trial:  # noqa: ARG002 # as a TrialRunner
        """Make figures up, and write the row."""
        started_at = datetime.now(UTC)
        trial = Trial(
            number=number,
            state=TrialState.COMPLETE,
            point=point,
            seed=0,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            host="nowhere",
            metrics=made_up(point),
        )
        self._store.write(trial)
        return trial


class NoOpTrainable(engine.TrialTrainable):
    """A worker of which only the trials are missing."""

    def setup(  # type: ignore[override] # tune.with_parameters adds the others
        self, config: dict[str, object], spec: StudySpec, dataset: Dataset, root: str, cache: object
    ) -> None:
        """Open the study on this host, and import what a worker does."""
        super().setup(config, spec, dataset, root, cache)
        self._runner = NoOpRunner(TrialStore.open(root, spec.name))  # type: ignore[assignment] # stands in for it


class Quiet:
    """Shows no progress."""

    def on_preparation(self, what: str) -> None:
        """Say nothing."""

    def on_note(self, text: str) -> None:
        """Say nothing."""

    def on_progress(self, progress: Progress, trial: Trial | None) -> None:
        """Say nothing."""


class PeakMemory(threading.Thread):
    """Watches the memory of this process and all that it starts, ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._end = threading.Event()
        self.driver_bytes = self.all_bytes = 0

    def run(self) -> None:
        """Take the largest reading."""
        me = psutil.Process(os.getpid())
        while not self._end.wait(0.1):
            self.driver_bytes = max(self.driver_bytes, me.memory_full_info().uss)
            self.all_bytes = max(self.all_bytes, sum(map(_unshared_bytes, [me, *me.children(recursive=True)])))

    def end(self) -> None:
        """Stop watching."""
        self._end.set()
        self.join()


def _unshared_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:  # it ended meanwhile
        return 0


def made_up(point: Point) -> Mapping[str, float]:
    """Give figures that differ from point to point, so that the front and the sampler have something to do."""
    numbers = [float(value) if isinstance(value, int | float) else float(len(value)) for value in point.values()]
    total = sum((index % 5 + 1) * number for index, number in enumerate(numbers))
    return {"accuracy": 1 - 1 / (1 + abs(total)), "size_bytes": 1e4 + 100 * abs(total), "latency_ms": 1 + len(numbers)}


def main() -> None:
    """Run the trials and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sampler", default="tpe")
    options = parser.parse_args()
    space, dataset = load_space("digits"), load_dataset("digits")
    spec = study_of(space, dataset, name="no_op")
    engine.TrialTrainable = NoOpTrainable  # type: ignore[misc] # the one thing that is not as in a search
    memory = PeakMemory()
    memory.start()
    with tempfile.TemporaryDirectory() as root, engine.ray_cluster(Cluster(address=LOCAL, workers=options.workers)):
        store = TrialStore.open_or_create(root, spec)
        suggester = make_suggester(space, space.objectives, sampler=options.sampler, seed=0)
        session = SearchSession(store, suggester, budget=options.trials, keep=KeepArtifacts.FRONT, listener=Quiet())
        engine.run_on_ray(
            session,
            store,
            dataset,
            root=root,
            workers=options.workers,
            gpus_per_trial=0.0,
            cache_limit_bytes=None,
        )
        finished = sorted(trial.finished_at for trial in session.trials)
    memory.end()
    half = len(finished) // 2
    for name, some in {
        "all": finished,
        "the first half": finished[: half + 1],
        "the second half": finished[half:],
    }.items():
        span = (some[-1] - some[0]).total_seconds()
        print(f"{name}: {1000 * span / (len(some) - 1):.1f} ms a trial")
    print(
        f"peak memory: {memory.driver_bytes / 1e6:.0f} MB of this process, "
        f"{memory.all_bytes / 1e6:.0f} MB with Ray and its workers"
    )


if __name__ == "__main__":
    main()
