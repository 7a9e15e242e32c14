"""Runs every technique that ships once on digits, and writes the table of docs/techniques.md.

What was asked is compared with what the exported file holds: channels by the shapes of its weights, zeros and bits
by its integer codes.

Usage: python benchmarks/techniques.py
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import torch

from automl.core.stage import Stage
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.datasets.load import load_dataset
from automl.measure.contents import file_contents
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.registry import plugins
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.storage.store import TrialStore

PAGE = Path(__file__).parents[1] / "docs" / "techniques.md"
NETWORK = "architecture: {conv_net: {depth: 3, width_1: 16, width_2: 32, width_3: 64, kernel: 3, activation: relu}}"
TRAINING = "training: {epochs: 30, batch_size: 64, learning_rate: 0.01}"
ARCHITECTURES = {
    "resnet": "{stages: 2, blocks: 1, width: 16}",
    "mobilenet_v2": "{stages: 2, blocks: 1, width: 16, expansion: 4, kernel: 3}",
}
SPARSITY = "sparsity: {level: 0.5, slope: 0}"
COMBINATIONS = (("l1_norm", "qat"), ("fpgm", "ptq"), ("agp", "lsq"), ("level", "qat"), ("taylor_fo_weight", "lsq_plus"))


class Case(NamedTuple):
    """One row: what is run, and what is asked of it."""

    name: str
    asked: str
    space: str


class Counted(NamedTuple):
    """What a file holds."""

    channels: int
    zeros: float
    bits: list[int]


def cases() -> Iterator[Case]:
    """Make a row for every technique, and for combinations of two."""
    techniques = {name: plugin.load() for name, plugin in plugins().items()}
    yield Case("conv_net", "float32", f"{NETWORK}\n{TRAINING}")
    for name, fields in ARCHITECTURES.items():
        yield Case(name, "float32", f"architecture: {{{name}: {fields}}}\n{TRAINING}")
    for name, technique in techniques.items():
        if technique.stage is Stage.PRUNER:
            yield Case(name, "half", f"{NETWORK}\n{TRAINING}\n{_pruner(name)}")
    for name, technique in techniques.items():
        if technique.stage is Stage.QUANTIZER:
            for bits in (8, 4, 2):
                yield Case(name, f"{bits} bits", f"{NETWORK}\n{TRAINING}\n{_quantizer(name, bits)}")
    for pruner, quantizer in COMBINATIONS:
        text = f"{NETWORK}\n{TRAINING}\n{_pruner(pruner)}\n{_quantizer(quantizer, 4)}"
        yield Case(f"{pruner} + {quantizer}", "half, 4 bits", text)


def _pruner(name: str) -> str:
    fields = "{base: l1_norm}" if "base" in plugins()[name].load().model_fields else ""
    return f"pruner: {{{name}: {fields}}}\n{SPARSITY}"


def _quantizer(name: str, bits: int) -> str:
    fields = "{epochs: 5}" if "epochs" in plugins()[name].load().model_fields else ""
    return f"quantizer: {{{name}: {fields}}}\nweight_bits: {{level: {bits}, slope: 0}}"


def count(path: Path) -> Counted:
    """Count channels, zeros and bits in a file."""
    layers = file_contents(path)
    return Counted(
        channels=sum(layer.shape[0] for layer in layers if layer.is_convolution),
        zeros=sum(layer.zeros for layer in layers) / sum(layer.size for layer in layers),
        bits=[layer.bits for layer in layers if layer.bits is not None],
    )


def main() -> None:
    """Run all cases and write the page."""
    torch.set_num_threads(1)
    dataset = load_dataset("digits")
    lines = []
    before = Counted(0, 0.0, [])
    base_accuracy = 0.0
    with tempfile.TemporaryDirectory() as root:
        for number, case in enumerate(cases()):
            space = resolve_space("case", parse_located(case.space, case.name))
            spec = StudySpec(
                name=f"case-{number}",
                space=space,
                dataset="digits",
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
                lines.append(f"| {case.name} | {case.asked} | {trial.state}: {trial.error} | | | | |")
                continue
            found = count(Path(root) / spec.name / trial.artifact / "model.onnx")
            if number == 0:
                before, base_accuracy = found, trial.metrics["accuracy"]
            lines.append(_row(case, trial, found, before, base_accuracy))
            print(lines[-1], flush=True)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _row(case: Case, trial: Trial, found: Counted, before: Counted, base_accuracy: float) -> str:
    counted = []
    if "half" in case.asked:
        channels = 1 - found.channels / before.channels
        counted.append(f"{100 * channels:.0f} % of channels" if channels else f"{100 * found.zeros:.0f} % of weights")
    if found.bits:
        counted.append(f"{max(found.bits)} bits")  # a layer of few weights has fewer codes than its width
    accuracy = f"{100 * trial.metrics['accuracy']:.2f} %"
    if case.asked != "float32":
        accuracy = f"{100 * base_accuracy:.2f} → {accuracy}"
    size, latency = trial.metrics["size_bytes"] / 1000, 1000 * trial.metrics["latency_ms"]
    return (
        f"| {case.name} | {case.asked} | {', '.join(counted) or 'float32'} | {accuracy} | {size:.1f} | {latency:.1f} "
        f"| {trial.seconds['total']:.1f} |"
    )


HEAD = """# The techniques, each run once

`python benchmarks/techniques.py` makes this page: one real trial each on `digits`, on one thread, from the same seed.
The network is `conv_net` with three stages of 16, 32 and 64 channels, unless the row names another. What was asked is
compared with what the exported file holds: channels by the shapes of its weights, zeros and bits by its integer codes.
Accuracy is that of the file on validation images; sizes and times are of the file, too.

| technique | asked | counted in the file | accuracy | kB | µs an image | seconds |
|---|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    main()
