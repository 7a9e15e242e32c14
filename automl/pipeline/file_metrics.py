"""Writes the file of a compressed network, and measures it as it would be deployed."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from automl.core.fidelity import Transition
from automl.core.recipe import Recipe
from automl.datasets.dataset import Dataset
from automl.export.onnx_writer import export_onnx
from automl.measure.latency import LatencyMeter
from automl.measurements import study_measurements
from automl.network.answers import answer_gap
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.conversion import deploy, deployed_logits
from automl.pipeline.file_fidelity import check_file_fidelity
from automl.pipeline.measuring import deployed_network, measured
from automl.pipeline.simulation import simulated_logits
from automl.pipeline.step_log import StepLog


class MeasuredFile(NamedTuple):
    """What a file measures.

    Attributes:
        metrics: By name.
        parity_gap: Of its score and that of the network in torch, as ``Task.parity_gap`` says.
    """

    metrics: dict[str, float]
    parity_gap: float


def export_and_measure(
    compressed: CompressedModel,
    path: Path,
    dataset: Dataset,
    meter: LatencyMeter,
    *,
    recipe: Recipe,
    wished: Collection[str],
    log: StepLog,
    gaps: dict[Transition, float],
) -> MeasuredFile:
    """Write a network to a file, compare the file with the network, and measure it.

    Args:
        compressed: What to deploy.
        path: Of the ONNX file; what the target's runtime needs besides goes next to it.
        dataset: Its validation split is measured on.
        meter: Measures latency on its target.
        recipe: What made the network.
        wished: Metrics that the study names.
        log: Is told the time of the steps ``export`` and ``measure``.
        gaps: Of the rewrites so far; those on the way to the runtime are added, also where an error follows.

    Raises:
        FidelityError: If the file does not answer like the network.
        MeasureError: If a metric cannot be measured, with its name.
    """
    validation, normalization, target, task = dataset.validation, dataset.normalization, meter.target, dataset.task
    with log.timed("export"):
        export_onnx(
            compressed.model,
            path,
            image_shape=dataset.image_shape,
            normalization=normalization,
            quantization=compressed.quantization,
        )
        deploy(path, target)
    with log.timed("measure"):
        logits = simulated_logits(compressed.model, compressed.quantization, validation.images, normalization)
        found = deployed_logits(path, target, validation.images, task)
        gaps[Transition.EXPORT] = answer_gap(logits, found.of_file)
        if not target.is_reference:
            gaps[Transition.CONVERT] = answer_gap(found.of_file, found.of_target)
        check_file_fidelity(compressed, gaps, dataset)
        deployed = deployed_network(
            compressed, path, dataset, meter, recipe=recipe, outputs=found.of_target, expected=logits
        )
        values = measured(study_measurements(wished, score=task.metric), deployed, meter)
    return MeasuredFile(values, deployed.parity_gap)
