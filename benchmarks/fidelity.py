"""Takes networks as people write them through every pruner and quantizer, and looks for unreported differences.

Usage: python benchmarks/fidelity.py [NETWORK]… [--processes N]

Each network is taken as it is built and trained for two epochs, with every technique, up to the file. What comes out is
a file, or a reason that came before training. The file is opened by this script with ONNX Runtime alone, one image at a
time, and compared with the torch network as it was before any folding: in float the logits must be the same.
"""

import argparse
import logging
import math
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import networks_people_write
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from automl.core.fidelity import EXACT, Transition, first_beyond
from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset
from automl.datasets.load import load_dataset
from automl.errors import AutomlError, InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.network.answers import answer_gap
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.simulation import simulated_logits
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE
from automl.training.batches import normalize

_IMAGES = 48
_SHOWN = (Transition.PLAIN, Transition.FOLD, Transition.EXPORT)
_STATES = {"as built": TrainingSettings(epochs=1, learning_rate=1e-9), "trained": TrainingSettings(epochs=2)}
_FEW = {
    "recovery_epochs": 0,
    "epochs": 1,
    "training_steps": 5,
    "learning_rate": 1e-4,
    "regularization_steps": 5,
    "updates": 1,
    "warmup_epochs": 0,
    "cooldown_epochs": 0,
}


@dataclass
class Kept:
    """A stage cache that remembers what was written, and gives nothing back."""

    results: list[CompressedModel] = field(default_factory=list)

    def has(self, _key: str) -> bool:
        """Have nothing."""
        return False

    def held(self, _key: str) -> AbstractContextManager[object]:
        """Hold nothing."""
        return nullcontext()

    def read(self, _key: str, _kind: object, _device: object) -> None:
        """Give nothing."""

    def write(self, _key: str, result: object) -> None:
        """Remember a network."""
        if isinstance(result, CompressedModel):
            self.results.append(result)


@dataclass(frozen=True)
class Outcome:
    """What became of one network with one technique.

    Attributes:
        network: Its name.
        state: As built, or trained.
        technique: What it went through; none for the float network.
        end: ``file``, ``refused`` before training, ``failed`` after it.
        reason: Why there is no file.
        gap: Of the file to the network before folding, and before the quantizer, found by this script.
        gaps: Of each transition, as the row of a trial has them.
    """

    network: str
    state: str
    technique: str
    end: str
    reason: str = ""
    gap: float = math.nan
    gaps: dict[Transition, float] = field(default_factory=dict)


def evaluate(network: str, state: str, technique: str) -> Outcome:
    """Run the stages of one recipe up to the file, and compare the file."""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    dataset, kept = _dataset(), Kept()
    runner = StageRunner(_recipe(network, state, technique), dataset, torch.device("cpu"), kept)
    try:
        result = runner.run()
        images = dataset.validation.images[:_IMAGES]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            export_onnx(
                result.model,
                path,
                image_shape=dataset.image_shape,
                normalization=dataset.normalization,
                quantization=result.quantization,
            )
            found = _answers_alone(path, images)
        simulated = simulated_logits(result.model, result.quantization, images, dataset.normalization)
    except InfeasibleError as reason:
        return Outcome(network, state, technique, "failed" if runner.epochs_trained else "refused", str(reason))
    except (AutomlError, RuntimeError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        return Outcome(network, state, technique, "failed", f"{type(error).__name__}: {error}")
    whole = [each for each in kept.results if each.quantization is None][-1].model
    with torch.no_grad():
        expected = whole.eval()(normalize(torch.from_numpy(images.copy()), dataset.normalization)).numpy()
    spread = float((expected - expected.mean(axis=0)).std()) or 1.0
    gap = float(np.sqrt(((found - expected) ** 2).mean())) / spread
    gaps = {**result.gaps, Transition.EXPORT: answer_gap(simulated, found)}
    return Outcome(network, state, technique, "file", gap=gap, gaps=gaps)


@cache
def _dataset() -> Dataset:
    return load_dataset("python:networks_people_write:digits_in_colour")


@cache
def techniques() -> dict[str, Stage]:
    """List pruners and quantizers, and ``none``."""
    kinds = {name: plugin.load().stage for name, plugin in TECHNIQUE.installed().items()}
    return {"none": Stage.ARCHITECTURE} | {
        name: stage for name, stage in kinds.items() if stage in {Stage.PRUNER, Stage.QUANTIZER}
    }


def _recipe(network: str, state: str, technique: str) -> Recipe:
    target = {"target": f"networks_people_write:{network}"}
    stages = [StageRecipe(stage=Stage.ARCHITECTURE, technique="python", hyperparameters=target)]
    if technique != "none":
        stage = techniques()[technique]
        fields = TECHNIQUE.installed()[technique].load().model_fields
        profile = Profile(level=0.5) if stage is Stage.PRUNER else Profile(level=8, low=2, high=8)
        settings = {name: value for name, value in _FEW.items() if name in fields}
        stages.append(StageRecipe(stage=stage, technique=technique, hyperparameters=settings, profile=profile))
    return Recipe(stages=tuple(stages), training=_STATES[state], seed=0)


def _answers_alone(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": images[index : index + 1]})[0] for index in range(len(images))])


def _evaluate(job: tuple[str, str, str]) -> Outcome:
    return evaluate(*job)


def main(names: Sequence[str], processes: int) -> None:
    """Print the tables."""
    networks = list(names) or list(networks_people_write.NETWORKS)
    jobs = [(network, state, technique) for network in networks for state in _STATES for technique in techniques()]
    with ProcessPoolExecutor(processes) as pool:
        outcomes = list(pool.map(_evaluate, jobs, chunksize=len(techniques())))
    print(f"{len(networks)} networks, {len(outcomes)} results\n")
    print("| technique | files | refused before training | failed | largest gap: plain | fold | export | whole way |")
    print("|---|---|---|---|---|---|---|---|")
    for technique in techniques():
        own = [each for each in outcomes if each.technique == technique]
        ends = Counter(each.end for each in own)
        files = [each for each in own if each.end == "file"]
        largest = [_largest(each.gaps.get(rewrite, 0.0) for each in files) for rewrite in _SHOWN]
        whole_way = _largest(each.gap for each in files) if _is_exact(technique) else "trained or rounded"
        counts = f"{ends['file']} | {ends['refused']} | {ends['failed']}"
        print(f"| {technique} | {counts} | {' | '.join(largest)} | {whole_way} |")
    silent = [each for each in outcomes if each.end == "file" and _is_silent(each)]
    print(f"\n{len(silent)} files that answer otherwise than their network, unreported")
    for each in silent:
        print(f"- {each.network}, {each.state}, {each.technique}: {each.gap:.2e}, {each.gaps}")
    print("\nReasons:\n")
    reasons: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in outcomes:
        if each.end != "file":
            reasons[each.network, f"{each.end}: {each.reason}"].add(each.technique)
    for (network, reason), of in sorted(reasons.items()):
        print(f"- {network} ({', '.join(sorted(of))}) {reason}")


def _largest(gaps: Iterable[float]) -> str:
    return f"{max(gaps, default=0.0):.1e}"


def _is_exact(technique: str) -> bool:
    return techniques()[technique] is not Stage.QUANTIZER


def _is_silent(outcome: Outcome) -> bool:
    """Say whether a file differs by more than it may, though nothing was said."""
    is_quantized = not _is_exact(outcome.technique) and outcome.technique != "float16"
    differs = _is_exact(outcome.technique) and not outcome.gap <= EXACT
    return differs or first_beyond(outcome.gaps, is_quantized=is_quantized) is not None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.networks, arguments.processes)
