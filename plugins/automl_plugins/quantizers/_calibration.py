"""Puts what is still in float on grids of 8 bits, by the ranges that calibration images reach."""

from typing import Any

from torch import Tensor, nn

from automl.technique import QuantizedModel
from automl_plugins.nni.compression import PtqQuantizer, calibrating_evaluator
from automl_plugins.quantizers._quantization import forward_in_batches, quantized


def calibrated(model: nn.Module, grids: list[dict[str, Any]], images: Tensor) -> QuantizedModel:
    """Quantize the weights and outputs that ``grids`` names with NNI's PtqQuantizer, without training.

    Args:
        model: With batch normalisation folded; changed in place.
        grids: NNI's configuration.
        images: Shape (N, C, H, W); their smallest and largest activations set the ranges.
    """
    model.eval()
    runner = calibrating_evaluator(model, lambda wrapped: forward_in_batches(wrapped, images))
    quantizer = PtqQuantizer(model, grids, runner)
    _, calibration = quantizer.compress(1, None)
    return quantized(quantizer, calibration)
