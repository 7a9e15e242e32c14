"""The last word on a front: test accuracy, read once, and latency on an idle machine."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from automl.core.pareto import pareto_front
from automl.core.trial import Trial
from automl.datasets.dataset import Dataset
from automl.measure.accuracy import accuracy, predict
from automl.measure.latency import LatencyMeter
from automl.storage.store import TrialStore


def measure_front(store: TrialStore, trials: Sequence[Trial], dataset: Dataset, meter: LatencyMeter) -> list[Trial]:
    """Measure the members of the front that were not measured before, and write it into their rows.

    Args:
        store: The study.
        trials: All its trials.
        dataset: Its data; this is the one place that reads the test split.
        meter: Measures latency; nothing else should run on this machine now.

    Returns:
        All trials, those of the front with ``test_accuracy`` and ``latency_idle_ms``.
    """
    front = {trial.number for trial in pareto_front(trials, store.spec.objectives)}
    return [
        _measured(store, trial, dataset, meter)
        if trial.number in front and trial.artifact is not None and "test_accuracy" not in trial.metrics
        else trial
        for trial in trials
    ]


def _measured(store: TrialStore, trial: Trial, dataset: Dataset, meter: LatencyMeter) -> Trial:
    with tempfile.TemporaryDirectory(prefix="automl-front-") as scratch:
        folder = Path(scratch)
        store.read_artifact(trial.number, folder)
        model = folder / meter.target.files[0]
        latency = meter.measure(model, images=dataset.test.images[:1])
        final = {
            "test_accuracy": accuracy(predict(model, dataset.test.images, target=meter.target), dataset.test.labels),
            "latency_idle_ms": latency.latency_ms,
        }
    measured = replace(trial, metrics={**trial.metrics, **final})
    store.write(measured)
    return measured
