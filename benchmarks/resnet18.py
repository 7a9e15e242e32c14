"""Times ResNet-18 (CIFAR stem) as automl deploys it, each file against the float32 one in the same run.

Neither size nor latency depends on what the weights are, so the images are noise and the training is a few steps.
Files are measured in turns, three rounds; a ratio is the median of the rounds'.

Usage: python benchmarks/resnet18.py
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from automl.core.image import Normalization
from automl.core.study import StudySpec
from automl.datasets.dataset import Augmentation, Dataset, Split
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import MODEL_FILE, TrialRunner
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.storage.store import TrialStore

NETWORK = """
architecture: {resnet: {stem: cifar, stages: 4, blocks: 2, width: 64}}
training: {epochs: 1, batch_size: 32, max_train_images: 64}
"""
HALF = "pruner: {l1_norm: {recovery_epochs: 0}}\nsparsity: {level: 0.5, slope: 0}\n"
ROUNDS = 3


class Case(NamedTuple):
    """A row: its name, and what it adds to the network."""

    name: str
    compression: str


class Made(NamedTuple):
    """A deployed file."""

    case: Case
    path: Path
    size_bytes: int


def quantized(bits: int) -> str:
    """Ask for weights of so many bits, with ranges from calibration."""
    return f"quantizer: {{ptq: {{calibration_images: 32}}}}\nweight_bits: {{level: {bits}, slope: 0}}\n"


CASES = (
    Case("float32", ""),
    *(Case(f"int8, weights of {bits} bits", quantized(bits)) for bits in range(8, 1, -1)),
    Case("half the channels, float32", HALF),
    Case("half the channels, int8", HALF + quantized(8)),
    Case("half the channels, int8, weights of 4 bits", HALF + quantized(4)),
)


def noise(count: int) -> Split:
    """Draw images that mean nothing."""
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), random.integers(0, 10, count))


def make(case: Case, dataset: Dataset, root: str) -> Made:
    """Run one trial, and give its file."""
    space = resolve_space("resnet18", parse_located(NETWORK + case.compression, case.name))
    spec = StudySpec(
        name=case.name.replace(" ", "-").replace(",", ""),
        space=space,
        dataset=dataset.spec,
        dataset_fingerprint=dataset.fingerprint,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={},
        created_at=datetime.now(UTC).isoformat(),
    )
    store = TrialStore.create(root, spec)
    trial = TrialRunner(spec, dataset, store, LatencyMeter(), torch.device("cpu")).run(0, {})
    if trial.artifact is None:
        raise SystemExit(f"{case.name}: {trial.state}: {trial.error}\n{trial.error_traceback}")
    return Made(case, Path(root) / spec.name / trial.artifact / MODEL_FILE, int(trial.metrics["size_bytes"]))


def main() -> None:
    """Print a line a file."""
    torch.set_num_threads(1)
    dataset = Dataset(
        spec="noise",
        train=noise(64),
        validation=noise(16),
        test=noise(16),
        classes=10,
        normalization=Normalization.from_statistics(127.0, 70.0),
        augmentation=Augmentation.NONE,
        fingerprint="noise",
    )
    meter = LatencyMeter()
    with tempfile.TemporaryDirectory() as root:
        files = [make(case, dataset, root) for case in CASES]
        image = dataset.validation.images[:1]
        latency_ms = np.array(
            [[meter.measure(file.path, images=image).latency_ms for file in files] for _ in range(ROUNDS)]
        )
    speedup = np.median(latency_ms[:, :1] / latency_ms, axis=0)
    of_int8 = np.median(latency_ms[:, 1:2] / latency_ms, axis=0)
    print("| file | MB | smaller by | ms | faster by | speed of int8 |\n|---|---|---|---|---|---|")
    for index, file in enumerate(files):
        print(
            f"| {file.case.name} | {file.size_bytes / 1e6:.2f} | {files[0].size_bytes / file.size_bytes:.1f}x "
            f"| {np.median(latency_ms[:, index]):.2f} | {speedup[index]:.2f}x | {of_int8[index]:.2f} |"
        )


if __name__ == "__main__":
    main()
