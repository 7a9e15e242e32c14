"""Writes the file of a compressed network, and measures it as it would be deployed."""

from pathlib import Path

from automl.core.fidelity import Transition
from automl.datasets.dataset import Dataset
from automl.export.onnx_writer import export_onnx
from automl.export.packing import pack
from automl.measure.latency import LatencyMeter
from automl.measure.size import size_bytes
from automl.measure.targets import runtime_of
from automl.network.answers import answer_gap
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.conversion import deploy, deployed_logits
from automl.pipeline.file_fidelity import check_file_fidelity
from automl.pipeline.simulation import simulated_logits
from automl.pipeline.step_log import StepLog


def export_and_measure(
    compressed: CompressedModel,
    path: Path,
    dataset: Dataset,
    meter: LatencyMeter,
    *,
    log: StepLog,
    gaps: dict[Transition, float],
) -> dict[str, float]:
    """Write a network to a file, compare the file with the network, and measure it.

    Args:
        compressed: What to deploy.
        path: Of the ONNX file; what the target's runtime needs besides goes next to it.
        dataset: Its validation split gives the score of its task.
        meter: Measures latency on its target.
        log: Is told the time of the steps ``export`` and ``measure``.
        gaps: Of the rewrites so far; those on the way to the runtime are added, also where an error follows.

    Returns:
        The metrics by their names.

    Raises:
        FidelityError: If the file does not answer like the network.
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
        model = deploy(path, target)
    with log.timed("measure"):
        logits = simulated_logits(compressed.model, compressed.quantization, validation.images, normalization)
        found = deployed_logits(path, target, validation.images, task)
        gaps[Transition.EXPORT] = answer_gap(logits, found.of_file)
        if not target.is_reference:
            gaps[Transition.CONVERT] = answer_gap(found.of_file, found.of_target)
        check_file_fidelity(compressed, gaps, dataset)
        download_bytes = len(pack(path.read_bytes()))
        latency = meter.measure(model, images=validation.images[:1])
    return {
        task.metric: task.score(found.of_target, validation.labels),
        "size_bytes": float(sum(size_bytes(path.with_name(name)) for name in runtime_of(target).files)),
        "download_bytes": float(download_bytes),
        **latency.metrics(),
        "parity_gap": task.parity_gap(logits, found.of_target, validation.labels),
        "parameters": float(sum(parameter.numel() for parameter in compressed.model.parameters())),
    }
