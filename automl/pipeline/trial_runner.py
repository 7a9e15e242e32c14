"""Evaluates one point: from its recipe to a row of the store."""

import platform
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch

from automl.core.fidelity import Transition
from automl.core.pace import WHOLE, Pace, rung_metrics
from automl.core.recipe import Recipe
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.core.width import LayerWidth
from automl.datasets.dataset import Dataset
from automl.errors import InfeasibleError
from automl.measure.latency import LatencyMeter
from automl.pipeline.file_metrics import export_and_measure
from automl.pipeline.fitting import StoppedEarly
from automl.pipeline.isolation import isolated
from automl.pipeline.notes import noted
from automl.pipeline.parity import parity_layer
from automl.pipeline.stage_cache import NoCache, StageCache
from automl.pipeline.stages import StageRunner
from automl.storage.store import TrialStore

MODEL_FILE = "model.onnx"
RECIPE_FILE = "recipe.json"

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Outcome:
    """What is known of a trial so far: where it goes wrong, the rest stays in its row."""

    state: TrialState = TrialState.COMPLETE
    metrics: dict[str, float] = field(default_factory=dict)
    artifact: str | None = None
    parity_layer: str | None = None
    fidelity: dict[Transition, float] = field(default_factory=dict)
    widths: tuple[LayerWidth, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    error_traceback: str | None = None


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
        stages = StageRunner(
            recipe, self.dataset, self.device, self.cache, pace.rungs, target=self.meter.target, watch=pace.watch
        )
        outcome = _Outcome()
        try:
            if pace.until_epoch is not None and stages.pause(pace.until_epoch):
                outcome.state, outcome.metrics = (
                    TrialState.STOPPED,
                    rung_metrics(stages.scores, self.dataset.task.metric),
                )
            else:
                self._complete(number, recipe, stages, outcome)
        except StoppedEarly:
            outcome.state, outcome.metrics = TrialState.STOPPED, rung_metrics(stages.scores, self.dataset.task.metric)
        except InfeasibleError as reason:
            outcome.state, outcome.error = TrialState.INFEASIBLE, str(reason)
        except Exception as failure:  # noqa: BLE001 # the one place where a trial's failure becomes its row
            outcome.state, outcome.error = TrialState.FAILED, _one_line(failure)
            outcome.error_traceback = traceback.format_exc()
        return Trial(
            number=number,
            state=outcome.state,
            point=point,
            seed=self.spec.seed,
            started_at=started_at,
            finished_at=self.now(),
            host=platform.node(),
            metrics=outcome.metrics,
            constraints={
                str(constraint): constraint.violation(outcome.metrics[constraint.metric])
                for constraint in self.spec.constraints
                if constraint.metric in outcome.metrics
            },
            seconds={**stages.seconds, "total": perf_counter() - started},
            cached=stages.cached,
            epochs_trained=pace.epochs_before + stages.epochs_trained,
            artifact=outcome.artifact,
            artifact_sha256=None if outcome.artifact is None else self.store.artifact_sha256(number),
            parity_layer=outcome.parity_layer,
            fidelity=outcome.fidelity,
            widths=outcome.widths,
            notes=outcome.notes,
            error=outcome.error,
            error_traceback=outcome.error_traceback,
            versions=self.spec.versions,
        )

    def _complete(self, number: int, recipe: Recipe, stages: StageRunner, outcome: _Outcome) -> None:
        """Run all stages, measure the file, and keep it; the outcome is filled as far as this goes."""
        compressed = stages.run()
        outcome.fidelity.update(compressed.gaps)
        outcome.notes = compressed.notes
        with tempfile.TemporaryDirectory(prefix="automl-trial-") as scratch:
            folder = Path(scratch)
            (folder / RECIPE_FILE).write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
            measured = export_and_measure(
                compressed,
                folder / MODEL_FILE,
                self.dataset,
                self.meter,
                recipe=recipe,
                wished=self.spec.wished_metrics,
                log=stages.log,
                gaps=outcome.fidelity,
            )
            outcome.parity_layer = parity_layer(number, compressed, measured.parity_gap, self.dataset)
            outcome.artifact = self.store.write_artifact(number, folder)
        # Last: a trial that failed has none.
        outcome.metrics = {**measured.metrics, **rung_metrics(stages.scores, self.dataset.task.metric)}
        outcome.widths = compressed.widths


def _one_line(error: Exception) -> str:
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
