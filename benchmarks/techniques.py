"""Runs every technique that ships once on digits, and writes the table of docs/techniques.md.

What was asked is compared with what the exported file holds: channels by the shapes of its weights, zeros and bits
by its integer codes.

Usage: python benchmarks/techniques.py
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from one_trial import run_one

from automl.core.stage import Stage
from automl.core.trial import Trial
from automl.datasets.load import load_dataset
from automl.measure.contents import file_contents
from automl.measure.latency import LatencyMeter
from automl.registry import TECHNIQUE

PAGE = Path(__file__).parents[1] / "docs" / "techniques.md"
NETWORK_NAME = "conv_net"
NETWORK = "architecture: {conv_net: {depth: 3, width_1: 16, width_2: 32, width_3: 64, kernel: 3, activation: relu}}"
TRAINING = "training: {epochs: 30, batch_size: 64, learning_rate: 0.01}"
ARCHITECTURES = {
    "resnet": "{stages: 2, blocks: 1, width: 16}",
    "mobilenet_v2": "{stages: 2, blocks: 1, width: 16, expansion: 4, kernel: 3}",
}
ONE_SHOT = ("random_one_shot", "darts", "gumbel_darts")
INHERITED = "{depth: 3, width_1: 16, width_2: 32, width_3: 64, kernel: 3, activation: relu}"
BRIEF_TRAINING = "training: {epochs: 5, batch_size: 64, learning_rate: 0.005}"
FIXED_BITS = {"bnn": "1 bit between", "float16": "16 bits"}
STUDENT_NAME = "conv_net of 8 and 16 channels"
STUDENT = "architecture: {conv_net: {depth: 2, width_1: 8, width_2: 16, kernel: 3, activation: relu}}"
TEACHER = "teacher: {conv_net: {depth: 4, width_1: 32, width_2: 48, width_3: 64, width_4: 64}}"
SPARSITY = "sparsity: {level: 0.5, slope: 0}"
COMBINATIONS = (("l1_norm", "qat"), ("fpgm", "ptq"), ("agp", "lsq"), ("level", "qat"), ("taylor_fo_weight", "lsq_plus"))
DISTILLED_PRUNERS = ("l1_norm", "agp")
DISTILLED_QUANTIZERS = ("qat", "lsq")


class Case(NamedTuple):
    """One row: what is run, what is asked of it, and the row of the same network with nothing asked."""

    name: str
    asked: str
    space: str
    baseline: str | None = NETWORK_NAME


class Counted(NamedTuple):
    """What a file holds."""

    channels: int
    zeros: float
    bits: list[int]


class Baseline(NamedTuple):
    """The network of a row with nothing asked of it."""

    found: Counted
    accuracy: float


def cases() -> Iterator[Case]:
    """Make a row for every technique, and for combinations of two and more."""
    techniques = {name: plugin.load() for name, plugin in TECHNIQUE.installed().items()}
    yield Case(NETWORK_NAME, "float32", f"{NETWORK}\n{TRAINING}", None)
    for name, fields in ARCHITECTURES.items():
        yield Case(name, "float32", f"architecture: {{{name}: {fields}}}\n{TRAINING}", None)
    yield Case("conv_net, 5 epochs", "float32", f"{NETWORK}\n{BRIEF_TRAINING}", None)
    for name in ONE_SHOT:
        yield Case(f"{name}, 5 epochs", "float32", f"architecture: {{{name}: {INHERITED}}}\n{BRIEF_TRAINING}", None)
    for name, technique in techniques.items():
        if technique.stage is Stage.PRUNER:
            yield Case(name, "half", f"{NETWORK}\n{TRAINING}\n{_pruner(name)}")
    for name, technique in techniques.items():
        if technique.stage is Stage.QUANTIZER:
            for bits in (8,) if name in FIXED_BITS else (8, 4, 2):
                asked = FIXED_BITS.get(name, f"{bits} bits")
                yield Case(name, asked, f"{NETWORK}\n{TRAINING}\n{_quantizer(name, bits)}")
    distillers = [name for name, technique in techniques.items() if technique.stage is Stage.DISTILLER]
    yield Case(STUDENT_NAME, "float32", f"{STUDENT}\n{TRAINING}", None)
    for name in distillers:
        yield Case(
            name, "a larger teacher", f"{STUDENT}\n{TRAINING}\n{_distiller(name, 'train')}\n{TEACHER}", STUDENT_NAME
        )
    yield from _combinations(distillers)


def _combinations(distillers: list[str]) -> Iterator[Case]:
    for pruner, quantizer in COMBINATIONS:
        text = f"{NETWORK}\n{TRAINING}\n{_pruner(pruner)}\n{_quantizer(quantizer, 4)}"
        yield Case(f"{pruner} + {quantizer}", "half, 4 bits", text)
    for name, fields in ARCHITECTURES.items():
        text = f"architecture: {{{name}: {fields}}}\n{TRAINING}\n{_pruner('l1_norm')}\n{_quantizer('qat', 4)}"
        yield Case(f"{name} + l1_norm + qat", "half, 4 bits", text, name)
    for distiller in distillers:
        lesson = f"{NETWORK}\n{TRAINING}\n{_distiller(distiller, 'compress')}"  # the network itself teaches
        for pruner in DISTILLED_PRUNERS:
            yield Case(f"{pruner} + {distiller}", "half", f"{lesson}\n{_pruner(pruner)}")
        for quantizer in DISTILLED_QUANTIZERS:
            yield Case(f"{distiller} + {quantizer}", "2 bits", f"{lesson}\n{_quantizer(quantizer, 2)}")
        text = f"{lesson}\n{_pruner('l1_norm')}\n{_quantizer('qat', 4)}"
        yield Case(f"l1_norm + {distiller} + qat", "half, 4 bits", text)
        for name, fields in ARCHITECTURES.items():
            text = f"architecture: {{{name}: {fields}}}\n{TRAINING}\n{_distiller(distiller, 'train')}\n{TEACHER}"
            yield Case(f"{name} + {distiller}", "a larger teacher", text, name)


def _distiller(name: str, fits: str) -> str:
    """Name a distiller with its defaults: a case leaves nothing to search."""
    fields = {**TECHNIQUE.installed()[name].load()().model_dump(), "fits": fits}
    return f"distiller: {{{name}: {{{', '.join(f'{field}: {value}' for field, value in fields.items())}}}}}"


def _pruner(name: str) -> str:
    fields = "{base: l1_norm}" if "base" in TECHNIQUE.installed()[name].load().model_fields else ""
    return f"pruner: {{{name}: {fields}}}\n{SPARSITY}"


def _quantizer(name: str, bits: int) -> str:
    fields = "{epochs: 5}" if "epochs" in TECHNIQUE.installed()[name].load().model_fields else ""
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
    lines, meter = [], LatencyMeter()
    baselines: dict[str, Baseline] = {}
    with tempfile.TemporaryDirectory() as root:
        for number, case in enumerate(cases()):
            trial, path = run_one(case.space, dataset, Path(root), name=f"case-{number}", meter=meter)
            if path is None:
                lines.append(f"| {case.name} | {case.asked} | {trial.state}: {trial.error} | | | | |")
                continue
            found = count(path)
            if case.baseline is None:
                baselines[case.name] = Baseline(found, trial.metrics["accuracy"])
            lines.append(_row(case, trial, found, baselines[case.baseline or case.name]))
            print(lines[-1], flush=True)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _row(case: Case, trial: Trial, found: Counted, before: Baseline) -> str:
    counted = []
    if "half" in case.asked:
        channels = 1 - found.channels / before.found.channels
        counted.append(f"{100 * channels:.0f} % of channels" if channels else f"{100 * found.zeros:.0f} % of weights")
    if found.bits:
        counted.append(f"{max(found.bits)} bits")  # a layer of few weights has fewer codes than its width
    accuracy = f"{100 * trial.metrics['accuracy']:.2f} %"
    if case.baseline is not None:
        accuracy = f"{100 * before.accuracy:.2f} → {accuracy}"
    size, latency = trial.metrics["size_bytes"] / 1000, 1000 * trial.metrics["latency_ms"]
    return (
        f"| {case.name} | {case.asked} | {', '.join(counted) or 'float32'} | {accuracy} | {size:.1f} | {latency:.1f} "
        f"| {trial.seconds['total']:.1f} |"
    )


HEAD = """# The techniques, each run once

`python benchmarks/techniques.py` makes this page: one real trial each on `digits`, on one thread, from the same seed.
The network is `conv_net` with three stages of 16, 32 and 64 channels, unless the row names another. What was asked is
compared with what the exported file holds: channels by the shapes of its weights, zeros and bits by its integer codes.
Accuracy is that of the file on validation images, and before it that of the same network with nothing asked; sizes and
times are of the file, too. Distillers have their default fields: alone, a network of four stages (32, 48, 64 and 64
channels) teaches a small one; beside a pruner or quantizer, the network as it was before teaches what is left of it.

| technique | asked | counted in the file | accuracy | kB | µs an image | seconds |
|---|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    main()
