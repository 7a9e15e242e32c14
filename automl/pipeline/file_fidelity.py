"""Refuses a file whose answers are not those of the network that was trained."""

import logging
from collections.abc import Mapping

from automl.core.fidelity import Transition, bound, first_beyond
from automl.core.installed_metrics import metric_named
from automl.datasets.dataset import Dataset
from automl.errors import FidelityError
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.departure import first_departure
from automl.pipeline.simulation import explained_gap

_REPEATED_IMAGES = 250
"""Images that are run again to find how far rounding moves a network."""

_logger = logging.getLogger(__name__)


def check_file_fidelity(compressed: CompressedModel, gaps: Mapping[Transition, float], dataset: Dataset) -> None:
    """Compare the gap of each rewrite with what rounding explains.

    Args:
        compressed: What was exported.
        gaps: Of all rewrites up to the runtime.
        dataset: Of the study.

    Raises:
        FidelityError: With the rewrite, the gap, and the layer where one is found.
    """
    is_quantized = compressed.quantization is not None and bool(compressed.quantization.outputs)
    beyond = first_beyond(gaps, is_quantized=is_quantized)
    if beyond is Transition.EXPORT and _is_explained(gaps[beyond], compressed, dataset):
        _logger.warning(
            "the network answers so alike to all images that rounding alone moves its logits by %.0f%% of "
            "their spread: its %s is that of the file, and says little of the network",
            100 * gaps[beyond],
            metric_named(dataset.task.metric).title,
        )
        later: dict[Transition, float] = {
            transition: gap for transition, gap in gaps.items() if transition is not Transition.EXPORT
        }
        beyond = first_beyond(later, is_quantized=is_quantized)
    if beyond is None:
        return
    layer = None
    if compressed.quantization is not None and is_quantized:
        images = dataset.validation.images
        layer = first_departure(compressed.model, compressed.quantization, images, dataset.normalization)
    raise FidelityError(
        f"the {beyond} changed what the network answers: its logits lie {gaps[beyond]:.2%} of their spread "
        f"apart, where rounding explains at most {bound(beyond, is_quantized=is_quantized):.1%}"
        f"{f', first at {layer}' if layer else ''}; no figure of this file would be true of the network"
    )


def _is_explained(gap: float, compressed: CompressedModel, dataset: Dataset) -> bool:
    """Say whether the roundings of a quantized network alone may move its logits as far."""
    if compressed.quantization is None:
        return False
    images = dataset.validation.images[:_REPEATED_IMAGES]
    return gap <= explained_gap(gap, compressed.model, compressed.quantization, images, dataset.normalization)
