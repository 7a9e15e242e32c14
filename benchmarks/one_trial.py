"""Runs one trial of a space that is given as text, through the whole pipeline, for the benchmarks that need a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.space import SearchSpace
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.datasets.dataset import Dataset, Split
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import MODEL_FILE, TrialRunner
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.storage.store import TrialStore
from automl_plugins.tasks.classification import Classification


class Made(NamedTuple):
    """A trial and its deployed file; None where there is none."""

    trial: Trial
    path: Path | None


def study_of(space: SearchSpace, dataset: Dataset, *, name: str) -> StudySpec:
    """Describe a study of a space, from seed 0 and without constraints."""
    return StudySpec(
        name=name,
        space=space,
        dataset=dataset.spec,
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={},
        created_at=datetime.now(UTC).isoformat(),
    )


def run_one(space_text: str, dataset: Dataset, root: Path, *, name: str, meter: LatencyMeter) -> Made:
    """Run the one point of a space without parameters.

    Args:
        space_text: A space file in which everything is fixed.
        dataset: To train and measure on.
        root: Of the trial store.
        name: Of the study, one a root.
        meter: Measures latency.
    """
    space = resolve_space(name, parse_located(space_text, name))
    spec = study_of(space, dataset, name=name)
    store = TrialStore.create(str(root), spec)
    trial = TrialRunner(spec, dataset, store, meter, torch.device("cpu")).run(0, {})
    return Made(trial, root / name / trial.artifact / MODEL_FILE if trial.artifact else None)


def noise_dataset(*, train: int = 64, held_out: int = 16) -> Dataset:
    """Make colour images of 32x32 pixels that mean nothing, for figures that do not depend on weights."""
    return Dataset(
        spec="noise",
        train=_noise(train),
        validation=_noise(held_out),
        test=_noise(held_out),
        task=Classification(outputs=10),
        normalization=Normalization.from_statistics(127.0, 70.0),
        augmentation=Augmentation.NONE,
        fingerprint="noise",
    )


def _noise(count: int) -> Split:
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), random.integers(0, 10, count))
