"""Measures what a study wants to know of a deployed network."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.recipe import Recipe
from automl.datasets.dataset import Dataset
from automl.export.operations import outline
from automl.export.packing import pack
from automl.measure.latency import LatencyMeter
from automl.measure.opened_file import OpenedFile
from automl.measure.targets import runtime_of
from automl.measurements import measured_values
from automl.metric import Deployed, Measurement
from automl.pipeline.compressed_model import CompressedModel


def deployed_network(
    compressed: CompressedModel,
    onnx_file: Path,
    dataset: Dataset,
    meter: LatencyMeter,
    *,
    recipe: Recipe,
    outputs: NDArray[np.float32],
    expected: NDArray[np.float32],
) -> Deployed:
    """Gather what metrics are measured on.

    Args:
        compressed: The network in torch.
        onnx_file: What it was exported to; what the target's runtime opens lies beside it.
        dataset: Whose validation split is measured on.
        meter: Measures latency.
        recipe: What made the network.
        outputs: What the runtime answers to the validation split.
        expected: What the network in torch answers to it.
    """
    validation, target = dataset.validation, meter.target
    files = tuple(onnx_file.with_name(name) for name in runtime_of(target).files)
    return Deployed(
        files=files,
        onnx_file=onnx_file,
        target=target,
        recipe=recipe,
        images=validation.images,
        labels=validation.labels,
        outputs=outputs,
        expected=expected,
        task=dataset.task,
        parity_gap=dataset.task.parity_gap(expected, outputs, validation.labels),
        parameters=sum(parameter.numel() for parameter in compressed.model.parameters()),
        run=OpenedFile(files[0], target),
        timed=partial(meter.measure, files[0], images=validation.images[:1]),
        count_macs=partial(_macs, compressed, dataset),
        count_packed_bytes=partial(_packed_bytes, onnx_file),
    )


def measured(measurements: Iterable[Measurement], deployed: Deployed, meter: LatencyMeter) -> dict[str, float]:
    """Measure one metric after the other.

    Raises:
        MeasureError: Naming the first that fails.
    """
    values: dict[str, float] = {}
    for measurement in measurements:
        if measurement.is_measured_alone:
            values |= meter.measure_alone(measurement, deployed)
        else:
            values |= measured_values(measurement, deployed)
    return values


def _macs(compressed: CompressedModel, dataset: Dataset) -> int:
    found = outline(
        compressed.model,
        image_shape=dataset.image_shape,
        normalization=dataset.normalization,
        quantization=compressed.quantization,
    )
    return sum(operation.macs for operation in found.operations)


def _packed_bytes(onnx_file: Path) -> int:
    return len(pack(onnx_file.read_bytes()))
