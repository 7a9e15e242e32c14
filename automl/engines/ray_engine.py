"""Runs trials on warm Ray workers, on this machine or a cluster."""

import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_PRINT_ALL_TRIAL_ERRORS", "0")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")

import ray
from ray import cloudpickle, tune
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from automl.core.trial import Trial, TrialState
from automl.datasets.dataset import Dataset
from automl.engines.cluster import Cluster
from automl.engines.lock_service import ServiceLocks, start_lock_service
from automl.engines.ray_start import started_ray
from automl.engines.trial_source import Assignment, TrialSource
from automl.errors import SearchError
from automl.storage.cache import CacheFolder
from automl.storage.store import TrialStore

if TYPE_CHECKING:  # the pipeline imports torch, which takes seconds
    from torch import nn

    from automl.pipeline.stage_cache import StageCache

WORKER_THREADS = 1
"""Of torch, on a processor: workers share the machine."""


@dataclass(frozen=True)
class _Handed:
    """Networks of the program that searches, and where their code is found.

    Attributes:
        pickled: Networks by key, with the code that is in the program itself.
        path: Where the program looks for modules; Ray tells its workers of the first folder alone.
    """

    pickled: bytes
    path: tuple[str, ...]

    def networks(self) -> "Mapping[str, nn.Module]":
        sys.path += [folder for folder in self.path if folder not in sys.path]
        networks: Mapping[str, nn.Module] = cloudpickle.loads(self.pickled)
        return networks


class TrialTrainable(tune.Trainable):
    """A worker: it loads what a trial needs once, and then runs one trial a step."""

    def setup(  # type: ignore[override] # tune.with_parameters adds the others
        self,
        config: dict[str, Any],
        store: TrialStore,
        dataset: Dataset,
        cache: "StageCache",
        handed: "_Handed",
    ) -> None:
        """Get ready for the trials of a study."""
        import torch

        from automl.measure.latency import LatencyMeter
        from automl.network.handed_over import take_over
        from automl.pipeline.trial_runner import TrialRunner

        torch.set_num_threads(WORKER_THREADS)
        take_over(handed.networks())
        self._runner = TrialRunner(
            spec=store.spec,
            dataset=dataset,
            store=store,
            meter=LatencyMeter(store.spec.target),
            device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
            cache=cache,
        )
        self._assignment = Assignment(**config)

    def step(self) -> dict[str, Any]:
        """Run the assigned trial; its failure is a row, never an exception, which would cost the worker."""
        trial = self._runner.run(*self._assignment)
        return {"trial": trial, "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next assignment on the same warm worker."""
        self._assignment = Assignment(**new_config)
        return True


class _SessionSearcher(Searcher):
    """Lets Ray Tune draw its trials from a session, and runs a trial once more whose worker died.

    Ray's own retries do not count here: it makes none where a worker dies between two trials.

    Attributes:
        fault: What was raised when a trial was taken back. Ray loses it: it takes the trial for failed, and tells so.
    """

    def __init__(self, session: TrialSource, store: TrialStore) -> None:
        super().__init__()
        self._session = session
        self._store = store
        self._running: dict[str, tuple[Assignment, datetime]] = {}
        self._again: list[Assignment] = []
        self._lost_once: set[int] = set()
        self.fault: Exception | None = None

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 # a configuration, None for later, or FINISHED
        assignment = self._again.pop() if self._again else self._session.next()
        if assignment is None:
            return None if self._running else Searcher.FINISHED
        self._running[trial_id] = (assignment, datetime.now(UTC))
        return assignment._asdict()

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if self.fault is not None:
            raise self.fault
        try:
            self._take_back(trial_id, result, is_lost=error)
        except Exception as fault:
            self.fault = fault
            raise

    def _take_back(self, trial_id: str, result: dict[str, Any] | None, *, is_lost: bool) -> None:
        assignment, started_at = self._running.pop(trial_id)
        trial = None if is_lost or result is None else result.get("trial")
        if trial is not None:
            self._session.finish(trial)
        elif assignment.number in self._lost_once:
            self._session.finish(self._lost_worker(assignment, started_at))
        else:
            self._lost_once.add(assignment.number)
            self._again.append(assignment)

    def __getstate__(self) -> dict[str, Any]:
        """Give Ray's snapshots nothing: the trial store is the only truth."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Save nothing."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""

    def _lost_worker(self, assignment: Assignment, started_at: datetime) -> Trial:
        trial = Trial(
            number=assignment.number,
            state=TrialState.FAILED,
            point=assignment.point,
            seed=self._store.spec.seed,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            host=platform.node(),
            error="the worker process died twice on this trial, perhaps for lack of memory; try fewer --workers",
            versions=self._store.spec.versions,
        )
        self._store.write(trial)
        return trial


class _SessionStopper(Stopper):
    """Ends the run where the session sees no hope."""

    def __init__(self, session: TrialSource) -> None:
        self._session = session

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 # Ray's signature
        return False

    def stop_all(self) -> bool:
        return self._session.is_hopeless

    def __getstate__(self) -> dict[str, Any]:
        """Give Ray's snapshots nothing: the session lives in this process."""
        return {}


@contextmanager
def ray_cluster(cluster: Cluster) -> Iterator[int]:
    """Start or join a cluster, and leave it at the end.

    Yields:
        Trials at a time.

    Raises:
        UsageError: If there is no cluster at the address, or no folder for the sockets of a new one.
        SearchError: If this machine is too busy to start one.
    """
    workers = cluster.workers or os.cpu_count() or 1
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a trial's failure is its row, not a traceback here
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),  # Ray prints the death of a worker
        started_ray(cluster, workers),
    ):
        yield cluster.workers or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call] # Ray's


def run_on_ray(
    session: TrialSource,
    store: TrialStore,
    dataset: Dataset,
    *,
    root: str,
    workers: int,
    gpus_per_trial: float,
    cache_limit_bytes: int | None,
) -> None:
    """Run until the session hands out no more points, or the user interrupts.

    Args:
        session: Hands out points, and takes back trials.
        store: The study.
        dataset: Its data.
        root: Of the store, as every worker finds it.
        workers: Trials at a time.
        gpus_per_trial: GPUs, or a part of one, for each.
        cache_limit_bytes: What the results that trials share may take; None shares nothing.

    Raises:
        SearchError: If Ray itself fails.
    """
    from automl.network.handed_over import networks_among  # imports torch, as the pipeline does

    if not session.has_work:
        return
    cache = _cache(root, cache_limit_bytes)
    networks = networks_among(store.spec.space.constants.values())
    handed = _Handed(cloudpickle.dumps(networks), tuple(sys.path))  # type: ignore[no-untyped-call] # cloudpickle's
    trainable = tune.with_parameters(TrialTrainable, store=store, dataset=dataset, cache=cache, handed=handed)
    searcher = _SessionSearcher(session, store)
    with tempfile.TemporaryDirectory(prefix="automl-ray-") as scratch:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1, "gpu": gpus_per_trial}),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                num_samples=-1,  # the session says when it is over
                max_concurrent_trials=workers,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=scratch,
                verbose=0,
                stop=_SessionStopper(session),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                failure_config=tune.FailureConfig(max_failures=0),
            ),
        )
        try:
            tuner.fit()
        except (tune.TuneError, ray.exceptions.RayError) as error:
            if searcher.fault is not None:
                raise searcher.fault from error
            last_line = str(error).strip().splitlines()[-1]
            raise SearchError(f"Ray ended the search: {last_line}; run the same command again to go on") from error


def _cache(root: str, limit_bytes: int | None) -> "StageCache":
    from automl.pipeline.stage_cache import FolderCache, NoCache

    if limit_bytes is None:
        return NoCache()
    folder = CacheFolder.at(root, limit_bytes=limit_bytes)
    if folder.folder.local_path is None:  # a bucket locks nothing
        folder = replace(folder, locks=ServiceLocks(start_lock_service()))
    return FolderCache(folder)
