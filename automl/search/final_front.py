"""The last word on a front: the score on the test split, read once, and latency on an idle machine."""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from automl.core.pareto import pareto_front
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.datasets.dataset import Dataset
from automl.errors import AutomlError
from automl.measure.accuracy import predict
from automl.measure.latency import LatencyMeter
from automl.measure.targets import runtime_of
from automl.measure.timing import Latency
from automl.storage.store import TrialStore


@dataclass(frozen=True)
class MeasuredFront:
    """How the measurement of a front ended.

    Attributes:
        trials: All trials, those of the front with ``test_`` and the score, and ``latency_idle_ms``.
        problems: What could not be measured and why, a line each.
    """

    trials: list[Trial]
    problems: tuple[str, ...] = ()


def measure_front(store: TrialStore, trials: Sequence[Trial], dataset: Dataset, meter: LatencyMeter) -> MeasuredFront:
    """Measure the members of the front that were not measured before, and write it into their rows.

    A latency that was not sure is replaced by the one that is measured now, where this one is. That may bring others
    onto the front, whose turn it then is.

    Args:
        store: The study.
        trials: All its trials.
        dataset: Its data; this is the one place that reads the test split.
        meter: Measures latency; nothing else should run on this machine now.
    """
    known = {trial.number: trial for trial in trials}
    problems: dict[int, str] = {}
    tested = f"test_{dataset.task.metric}"
    while (trial := _next(list(known.values()), store.spec, tested=tested, failed=problems.keys())) is not None:
        try:
            known[trial.number] = _measured(store, trial, dataset, meter)
        except (AutomlError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            problems[trial.number] = f"trial {trial.number} of the front could not be measured again: {reason}"
    return MeasuredFront(list(known.values()), tuple(problems.values()))


def _next(trials: Sequence[Trial], spec: StudySpec, *, tested: str, failed: Collection[int]) -> Trial | None:
    return next(
        (
            trial
            for trial in pareto_front(trials, spec.objectives)
            if trial.artifact is not None and tested not in trial.metrics and trial.number not in failed
        ),
        None,
    )


def _measured(store: TrialStore, trial: Trial, dataset: Dataset, meter: LatencyMeter) -> Trial:
    with tempfile.TemporaryDirectory(prefix="automl-front-") as scratch:
        folder = Path(scratch)
        store.read_artifact(trial.number, folder, sha256=trial.artifact_sha256)
        model = folder / runtime_of(meter.target).files[0]
        latency = meter.measure(model, images=dataset.test.images[:1])
        outputs = predict(model, dataset.test.images, target=meter.target)
    final = {
        f"test_{dataset.task.metric}": dataset.task.score(outputs, dataset.test.labels),
        "latency_idle_ms": latency.latency_ms,
        "latency_idle_is_gated": float(latency.is_gated),
    }
    metrics = {**trial.metrics, **_surer(trial, latency), **final}
    constraints = {
        str(constraint): constraint.violation(metrics[constraint.metric])
        for constraint in store.spec.constraints
        if str(constraint) in trial.constraints and constraint.metric in metrics
    }
    measured = replace(trial, metrics=metrics, constraints={**trial.constraints, **constraints})
    store.write(measured)
    return measured


def _surer(trial: Trial, latency: Latency) -> dict[str, float]:
    """Give the figures of a latency that is sure, where the trial's own is not."""
    return latency.metrics() if latency.is_gated and not trial.is_sure_of("latency_ms") else {}
