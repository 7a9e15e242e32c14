"""A trial: one point of the space, evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from automl.core.direction import Direction
from automl.core.fidelity import Transition
from automl.core.installed_metrics import metric_named
from automl.core.value import Point
from automl.core.width import LayerWidth


class TrialState(StrEnum):
    """How a trial ended.

    ::

        a trial runs ─┬─► COMPLETE     every metric was measured
                      ├─► STOPPED      ended early, with the metrics known by then
                      ├─► FAILED       an error ended it; the row has the traceback
                      └─► INFEASIBLE   the point cannot be built; known before training

    A trial that runs has no state yet: a store holds finished trials only.
    """

    COMPLETE = "COMPLETE"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"


@dataclass(frozen=True)
class Trial:
    """A finished trial, as the store keeps it.

    Attributes:
        number: Position in the study, from 0.
        state: How it ended.
        point: The active parameters and their values.
        metrics: What was measured, each with its unit in its name; empty where the trial failed.
        constraints: Violation of each constraint, keyed by its text; at most 0 where it holds.
        seconds: Wall time of each step.
        cached: Whether each step was taken from the cache, which an equal trial before it had filled; a step that
            the recipe lacks is absent.
        epochs_trained: Passes over the training split, all stages together, those of results from the cache left out.
        artifact: Path of the artifact folder relative to the study; None where it is not kept.
        artifact_sha256: Checksum and name of each of the artifact's files, a line each; None where it is not kept.
        parity_layer: Module at which the deployed network first departs from the simulated one; None where their
            accuracies agree.
        fidelity: Gap of each rewrite of the network on its way to the file, as ``Transition`` explains.
        widths: Of the layers that a pruner was to take channels from, in the order of the forward pass; empty without
            such a pruner, and where there is no exported network.
        notes: What the trial warned of, a line each: layers that keep their channels, accuracies that differ.
        error: One line that says what went wrong.
        error_traceback: The whole traceback.
        host: Name of the machine that ran it.
        versions: Library name to version.
    """

    number: int
    state: TrialState
    point: Point
    seed: int
    started_at: datetime
    finished_at: datetime
    host: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cached: Mapping[str, bool] = field(default_factory=dict)
    epochs_trained: int = 0
    artifact: str | None = None
    artifact_sha256: str | None = None
    parity_layer: str | None = None
    fidelity: Mapping[Transition, float] = field(default_factory=dict)
    widths: tuple[LayerWidth, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    error_traceback: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def is_sure_of(self, metric: str) -> bool:
        """Say whether a metric was measured well: a latency was not while the machine was never at its best."""
        gate = metric_named(metric).gate
        return gate is None or self.metrics.get(gate, 1.0) != 0

    def judged(self, metric: str) -> float:
        """Give what a metric counts as where trials are compared.

        A busy machine makes a latency longer, never shorter: one that is not sure counts as the worse end of its
        interval, and is better than another only if it is even so.
        """
        value, facts = self.metrics[metric], metric_named(metric)
        if facts.interval is None or self.is_sure_of(metric):
            return value
        low, high = (self.metrics.get(end, value) for end in facts.interval)
        return min(value, low) if facts.better is Direction.MAX else max(value, high)

    @property
    def is_untrained(self) -> bool:
        """Whether its network was to be trained here, and had nothing that could be."""
        return self.state is TrialState.COMPLETE and self.cached.get("fit") is False and self.epochs_trained == 0

    @property
    def is_feasible(self) -> bool:
        """Whether the trial is complete and keeps to every constraint."""
        return self.state is TrialState.COMPLETE and all(violation <= 0 for violation in self.constraints.values())
