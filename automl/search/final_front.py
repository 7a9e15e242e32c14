"""The last word on a front: what the test split says, read once, and what an idle machine measures."""

import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from automl.core.metric import When
from automl.core.pareto import pareto_front
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.datasets.dataset import Dataset
from automl.errors import AutomlError
from automl.measure.latency import LatencyMeter
from automl.measure.opened_file import OpenedFile
from automl.measure.targets import runtime_of
from automl.measurements import study_measurements, values_of
from automl.metric import DeployedFile, Measurement
from automl.runtime import ONNX_FILE
from automl.storage.store import TrialStore


@dataclass(frozen=True)
class MeasuredFront:
    """How the measurement of a front ended.

    Attributes:
        trials: All trials, those of the front with the metrics that are measured last.
        problems: What could not be measured and why, a line each.
    """

    trials: list[Trial]
    problems: tuple[str, ...] = ()


def measure_front(store: TrialStore, trials: Sequence[Trial], dataset: Dataset, meter: LatencyMeter) -> MeasuredFront:
    """Measure the members of the front that were not measured before, and write it into their rows.

    What was not measured well may be replaced by what is measured now. That may bring others onto the front, whose
    turn it then is.

    Args:
        store: The study.
        trials: All its trials.
        dataset: Its data; this is the one place that reads the test split.
        meter: Measures latency; nothing else should run on this machine now.
    """
    measurements = study_measurements(store.spec.wished_metrics, score=dataset.task.metric)
    last = {metric.name for each in measurements for metric in each.metrics() if metric.when is When.END}
    known = {trial.number: trial for trial in trials}
    problems: list[str] = []
    tried: set[int] = set()
    while (trial := _next(list(known.values()), store.spec, last, tried)) is not None:
        tried.add(trial.number)
        try:
            known[trial.number] = _measured(store, trial, dataset, meter, measurements)
        except (AutomlError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            problems.append(f"trial {trial.number} of the front could not be measured again: {reason}")
    return MeasuredFront(list(known.values()), tuple(problems))


def _next(trials: Sequence[Trial], spec: StudySpec, last: Set[str], tried: Set[int]) -> Trial | None:
    """Give a member of the front that was not tried, and of which nothing that is measured last is known."""
    return next(
        (
            trial
            for trial in pareto_front(trials, spec.objectives)
            if trial.artifact is not None and trial.number not in tried and not trial.metrics.keys() & last
        ),
        None,
    )


def _measured(
    store: TrialStore, trial: Trial, dataset: Dataset, meter: LatencyMeter, measurements: Sequence[Measurement]
) -> Trial:
    target, test = meter.target, dataset.test
    metrics = dict(trial.metrics)
    with tempfile.TemporaryDirectory(prefix="automl-front-") as scratch:
        folder = Path(scratch)
        store.read_artifact(trial.number, folder, sha256=trial.artifact_sha256)
        files = tuple(folder / name for name in runtime_of(target).files)
        run = OpenedFile(files[0], target)
        deployed = DeployedFile(
            files=files,
            onnx_file=folder / ONNX_FILE,
            target=target,
            recipe=store.spec.space.recipe(trial.point, seed=trial.seed),
            images=test.images,
            labels=test.labels,
            outputs=run(test.images),
            run=run,
            task=dataset.task,
            timed=partial(meter.measure, files[0], images=test.images[:1]),
        )
        for measurement in measurements:
            metrics |= values_of(measurement, partial(measurement.measure_last, deployed, trial.metrics))
    constraints = {
        str(constraint): constraint.violation(metrics[constraint.metric])
        for constraint in store.spec.constraints
        if str(constraint) in trial.constraints and constraint.metric in metrics
    }
    measured = replace(trial, metrics=metrics, constraints={**trial.constraints, **constraints})
    store.write(measured)
    return measured
