"""Names the layer where a deployed network departs from the simulated one, when their scores do."""

import logging

from automl.core.installed_metrics import metric_named
from automl.datasets.dataset import Dataset
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.departure import first_departure
from automl.runtime import LOGITS

PARITY_LIMIT = 0.005
"""Largest gap of the simulated and the deployed score that passes without a warning."""

_logger = logging.getLogger(__name__)


def parity_layer(number: int, compressed: CompressedModel, parity_gap: float, dataset: Dataset) -> str | None:
    """Warn of a parity gap beyond the limit.

    Args:
        number: Of the trial.
        compressed: What was exported.
        parity_gap: Of the two scores, as ``Task.parity_gap`` says.
        dataset: Of the study.

    Returns:
        The first layer whose outputs differ, or the logits where none is found; None within the limit.
    """
    if parity_gap <= PARITY_LIMIT:
        return None
    layer = None
    if compressed.quantization is not None:
        images = dataset.validation.images
        layer = first_departure(compressed.model, compressed.quantization, images, dataset.normalization)
    _logger.warning(
        "trial %d: the deployed %s differs from the simulated one by %.2f points, first at %s",
        number,
        metric_named(dataset.task.metric).title,
        100 * parity_gap,
        layer or LOGITS,
    )
    return layer or LOGITS
