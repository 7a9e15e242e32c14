"""The whole contract that the author of a metric reads: what a metric is, and what it is measured on.

A metric is a value, ``Metric``, and a class that measures it on what is deployed. Ship it with one line in your
``pyproject.toml``::

    [project.entry-points."automl.metrics"]
    energy_mj = "my_package:Energy"

and ``--objective energy_mj``, ``--constraint 'energy_mj<=5'``, the tables, the samplers and the trial store know it.
It is measured where a study names it. An exception fails the trial, with the name of the metric.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from automl.core.direction import Direction
from automl.core.installed_metrics import MetricSource
from automl.core.latency import Latency
from automl.core.metric import Metric, Unit, When
from automl.core.recipe import Recipe
from automl.core.target import Target
from automl.task import Task

if TYPE_CHECKING:  # listing the metrics needs none of it
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Outputs = NDArray[np.float32]
    Labels = NDArray[Any]

__all__ = [
    "Deployed",
    "DeployedFile",
    "Direction",
    "Latency",
    "Measurement",
    "Metric",
    "Recipe",
    "Score",
    "Sketch",
    "Target",
    "Task",
    "Unit",
    "When",
]


@dataclass(frozen=True, kw_only=True)
class DeployedFile:
    """What is deployed, and the data to try it on.

    Attributes:
        files: What is deployed: the file that the runtime is given, then those that it opens beside it.
        onnx_file: The ONNX file that they were made from; it is the first of them where the runtime takes ONNX.
        target: The runtime, its threads, and images a run.
        recipe: What made the network.
        images: Of the split that is measured on, shape (N, C, H, W), uint8.
        labels: The right answers to them, as the data set has them.
        outputs: What the deployed network answers to them, shape (N, outputs).
        task: What the network is for: it says how good outputs are.
        run: Runs the deployed network on images, as its user does: so many at a time as the target states.
        timed: Measures the latency, one measurement at a time a host.
    """

    files: tuple[Path, ...]
    onnx_file: Path
    target: Target
    recipe: Recipe
    images: Images
    labels: Labels
    outputs: Outputs
    task: Task
    run: Callable[[Images], Outputs] = field(repr=False)
    timed: Callable[[], Latency] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Deployed(DeployedFile):
    """What is deployed of a trial, with what is known of the network that it was made from.

    Attributes:
        expected: What the network answered in torch before it was exported, rounded as it would be: as ``outputs``.
        parity_gap: How far the scores of these two lie apart, as the task says, 0 to 1.
        parameters: Of the network.
        count_macs: Counts the multiplications with a weight, for one image.
        count_packed_bytes: Counts what the ONNX file takes entropy-coded, as ``automl export --packed`` writes it.
    """

    expected: Outputs
    parity_gap: float
    parameters: int
    count_macs: Callable[[], int] = field(repr=False)
    count_packed_bytes: Callable[[], int] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What is known of a network before it is trained.

    Attributes:
        parameters: Of the network, batch normalisation folded.
        macs: Multiplications with a weight, for one image.
        onnx_bytes: Of the ONNX file.
        size_bytes: Of what the runtime opens; an estimate where that is converted, None until it was learnt.
        latency_ms: An estimate; None until this host's prices were learnt, and for what no price is known of.
    """

    parameters: int
    macs: int
    onnx_bytes: int
    size_bytes: float | None
    latency_ms: float | None


class Measurement(MetricSource):
    """Measures a metric.

    A subclass needs no arguments; the metric and what is written beside it are class variables.

    Attributes:
        metric: What is measured.
        beside: What the same measurement gives besides.
        is_always_measured: Whether every trial measures it; otherwise those of a study that names one of its metrics
            as an objective or in a constraint.
        is_measured_alone: Whether ``measure`` runs in the process that only measures, which never trains, while
            nothing else is measured on this host: for whatever a busy process disturbs.
    """

    is_always_measured: ClassVar[bool] = False
    is_measured_alone: ClassVar[bool] = False

    @abstractmethod
    def measure(self, deployed: Deployed) -> float | Mapping[str, float]:
        """Measure the metric of a trial.

        Args:
            deployed: What is measured; leave its files as they are.

        Returns:
            The value; or, where there are metrics beside it, each value by the name of its metric. Finite numbers.
        """

    def measure_last(self, deployed: DeployedFile, earlier: Mapping[str, float]) -> Mapping[str, float]:  # noqa: ARG002
        """Measure once more for a member of the final front, when nothing else runs; nothing by default.

        Args:
            deployed: What is measured, on the test split, which guides nothing and is read here alone.
            earlier: What the trial measured.

        Returns:
            Values by the names of metrics; those of ``When.TRIAL`` take the place of earlier ones.
        """
        return {}

    def foreseen(self, sketch: Sketch) -> float | None:  # noqa: ARG002
        """Say the value before an epoch is spent, exactly or nearly; None, the default, where it is not known.

        A search proposes points by it, and learns from trials by which factor it is off.
        """
        return None


class Score(Measurement):
    """Measures how good answers are, by themselves. The same of the test split is measured last, as ``test_NAME``.

    A task names the metric that it is scored by: every study of the task measures that one, and the metric need say
    nothing but what it is. Any other score overrides ``score``.
    """

    def __init_subclass__(cls) -> None:
        """Put the metric of the test split beside that of the validation split."""
        if "metric" in vars(cls):
            on_test = f"test_{cls.metric.name}"
            cls.metric = replace(cls.metric, on_test=on_test)
            cls.beside = (*cls.beside, replace(cls.metric, name=on_test, when=When.END, on_test=None))
        super().__init_subclass__()

    def score(self, deployed: DeployedFile) -> float:
        """Say how good ``deployed.outputs`` are for ``deployed.labels``; by default, what the task says."""
        return deployed.task.score(deployed.outputs, deployed.labels)

    def measure(self, deployed: Deployed) -> float | Mapping[str, float]:
        """Score the answers to the validation split."""
        return self.score(deployed)

    def measure_last(self, deployed: DeployedFile, earlier: Mapping[str, float]) -> Mapping[str, float]:  # noqa: ARG002
        """Score the answers to the test split."""
        return {str(self.metric.on_test): self.score(deployed)}
