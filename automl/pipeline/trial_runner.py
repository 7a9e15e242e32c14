"""Evaluates one point: from its recipe to a row of the store."""

import logging
import platform
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch

from automl.core.fidelity import Transition, bound, first_beyond
from automl.core.image import Normalization
from automl.core.pace import WHOLE, Pace, rung_metrics
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.core.width import LayerWidth
from automl.datasets.dataset import Dataset
from automl.errors import FidelityError, InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.export.packing import pack
from automl.export.torch_graph import LOGITS
from automl.measure.accuracy import accuracy
from automl.measure.latency import LatencyMeter
from automl.measure.size import size_bytes
from automl.network.answers import answer_gap
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.conversion import deploy, deployed_logits
from automl.pipeline.departure import first_departure
from automl.pipeline.isolation import isolated
from automl.pipeline.notes import noted
from automl.pipeline.simulation import explained_gap, simulated_logits
from automl.pipeline.stage_cache import NoCache, StageCache
from automl.pipeline.stages import StageRunner
from automl.storage.store import TrialStore

MODEL_FILE = "model.onnx"
RECIPE_FILE = "recipe.json"
PARITY_LIMIT = 0.005
"""Largest difference of simulated and deployed accuracy that passes without a warning."""

_REPEATED_IMAGES = 250
"""Images that are run again to find how far rounding moves a network."""

_logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class TrialRunner:
    """Runs trials of one study on this machine.

    Attributes:
        spec: The study.
        dataset: Its data.
        store: Where rows and artifacts go.
        meter: Measures latency.
        device: Where networks are trained; they are measured on the CPU.
        cache: Where results of equal stages are.
        now: The clock.
    """

    spec: StudySpec
    dataset: Dataset
    store: TrialStore
    meter: LatencyMeter
    device: torch.device
    cache: StageCache = field(default_factory=NoCache)
    now: Clock = _utc_now

    def run(self, number: int, point: Point, pace: Pace = WHOLE) -> Trial:
        """Evaluate a point and write its row; whatever goes wrong becomes the row.

        Args:
            number: Of the trial.
            point: What to evaluate.
            pace: Where to pause; the row then says STOPPED, and what was known by then.

        Raises:
            StoreError: If the row itself cannot be written.
        """
        with isolated(), noted() as notes:
            trial = self._evaluate(number, point, pace)
        trial = replace(trial, notes=tuple(dict.fromkeys((*trial.notes, *notes))))
        self.store.write(trial)
        return trial

    def _evaluate(self, number: int, point: Point, pace: Pace) -> Trial:
        started_at, started = self.now(), perf_counter()
        recipe = self.spec.space.recipe(point, seed=self.spec.seed)
        stages = StageRunner(recipe, self.dataset, self.device, self.cache, pace.rungs, target=self.meter.target)
        state, artifact, error, error_traceback = TrialState.COMPLETE, None, None, None
        metrics: dict[str, float] = {}
        parity_layer: str | None = None
        fidelity: dict[Transition, float] = {}
        widths: tuple[LayerWidth, ...] = ()
        notes: tuple[str, ...] = ()
        try:
            if pace.until_epoch is not None and stages.pause(pace.until_epoch):
                state, metrics = TrialState.STOPPED, rung_metrics(stages.accuracies)
            else:
                compressed = stages.run()
                fidelity.update(compressed.gaps)
                notes = compressed.notes
                with tempfile.TemporaryDirectory(prefix="automl-trial-") as scratch:
                    folder = Path(scratch)
                    (folder / RECIPE_FILE).write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
                    measured = self._measure(compressed, folder / MODEL_FILE, stages, fidelity)
                    parity_layer = self._departure(number, compressed, measured["parity_gap"])
                    artifact = self.store.write_artifact(number, folder)
                # Last: a trial that failed has none.
                metrics, widths = {**measured, **rung_metrics(stages.accuracies)}, compressed.widths
        except InfeasibleError as reason:
            state, error = TrialState.INFEASIBLE, str(reason)
        except Exception as failure:  # noqa: BLE001 # the one place where a trial's failure becomes its row
            state, error, error_traceback = TrialState.FAILED, _one_line(failure), traceback.format_exc()
        return Trial(
            number=number,
            state=state,
            point=point,
            seed=self.spec.seed,
            started_at=started_at,
            finished_at=self.now(),
            host=platform.node(),
            metrics=metrics,
            constraints={
                str(constraint): constraint.violation(metrics[constraint.metric])
                for constraint in self.spec.constraints
                if constraint.metric in metrics
            },
            seconds={**stages.seconds, "total": perf_counter() - started},
            cached=stages.cached,
            epochs_trained=pace.epochs_before + stages.epochs_trained,
            artifact=artifact,
            artifact_sha256=None if artifact is None else self.store.artifact_sha256(number),
            parity_layer=parity_layer,
            fidelity=fidelity,
            widths=widths,
            notes=notes,
            error=error,
            error_traceback=error_traceback,
            versions=self.spec.versions,
        )

    def _measure(
        self, compressed: CompressedModel, path: Path, stages: StageRunner, fidelity: dict[Transition, float]
    ) -> dict[str, float]:
        validation, normalization, target = self.dataset.validation, self.dataset.normalization, self.meter.target
        with stages.timed("export"):
            _export(compressed, path, self.dataset, normalization)
            model = deploy(path, target)
        with stages.timed("measure"):
            logits = simulated_logits(compressed.model, compressed.quantization, validation.images, normalization)
            found = deployed_logits(path, target, validation.images)
            fidelity[Transition.EXPORT] = answer_gap(logits, found.of_file)
            if target.device != "cpu":
                fidelity[Transition.CONVERT] = answer_gap(found.of_file, found.of_target)
            self._check_fidelity(compressed, fidelity)
            deployed = accuracy(found.of_target, validation.labels)
            download_bytes = len(pack(path.read_bytes()))
            latency = self.meter.measure(model, images=validation.images[:1])
        return {
            "accuracy": deployed,
            "size_bytes": float(sum(size_bytes(path.with_name(name)) for name in target.files)),
            "download_bytes": float(download_bytes),
            **latency.metrics(),
            "parity_gap": abs(accuracy(logits, validation.labels) - deployed),
            "parameters": float(sum(parameter.numel() for parameter in compressed.model.parameters())),
        }

    def _check_fidelity(self, compressed: CompressedModel, fidelity: Mapping[Transition, float]) -> None:
        """Refuse a file whose answers are not those of the network that was trained.

        Raises:
            FidelityError: With the rewrite, the gap, and the layer where one is found.
        """
        quantization = compressed.quantization
        is_quantized = quantization is not None and bool(quantization.outputs)
        beyond = first_beyond(fidelity, is_quantized=is_quantized)
        if beyond is None:
            return
        limit = bound(beyond, is_quantized=is_quantized)
        layer = None
        if quantization is not None and is_quantized:
            images = self.dataset.validation.images[:_REPEATED_IMAGES]
            if beyond is Transition.EXPORT and fidelity[beyond] <= explained_gap(
                fidelity[beyond], compressed.model, quantization, images, self._normalization
            ):
                _logger.warning(
                    "the network answers so alike to all images that rounding alone moves its logits by %.0f%% of "
                    "their spread: its accuracy is that of the file, and says little of the network",
                    100 * fidelity[beyond],
                )
                return
            layer = first_departure(compressed.model, quantization, self.dataset.validation.images, self._normalization)
        raise FidelityError(
            f"the {beyond} changed what the network answers: its logits lie {fidelity[beyond]:.2%} of their spread "
            f"apart, where rounding explains at most {limit:.1%}{f', first at {layer}' if layer else ''}; "
            "no figure of this file would be true of the network"
        )

    @property
    def _normalization(self) -> Normalization:
        return self.dataset.normalization

    def _departure(self, number: int, compressed: CompressedModel, parity_gap: float) -> str | None:
        """Say where the deployed network departs from the simulated one, if their accuracies do."""
        if parity_gap <= PARITY_LIMIT:
            return None
        layer = None
        if compressed.quantization is not None:
            images = self.dataset.validation.images
            layer = first_departure(compressed.model, compressed.quantization, images, self._normalization)
        _logger.warning(
            "trial %d: the deployed accuracy differs from the simulated one by %.2f points, first at %s",
            number,
            100 * parity_gap,
            layer or LOGITS,
        )
        return layer or LOGITS


def _export(compressed: CompressedModel, path: Path, dataset: Dataset, normalization: Normalization) -> None:
    export_onnx(
        compressed.model,
        path,
        image_shape=dataset.image_shape,
        normalization=normalization,
        quantization=compressed.quantization,
    )


def _one_line(error: Exception) -> str:
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
