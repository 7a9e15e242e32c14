"""Quantization without training: ranges from a few hundred images."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Profile, QuantizedModel, Quantizer, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class PTQ(Quantizer):
    """Reads the ranges of weights and activations off calibration images and rounds, without training.

    Fast, and nearly free of loss at 8 bits; it collapses at 4 bits and below, where QAT does not.

    Attributes:
        calibration_images: Images whose smallest and largest activations set the ranges.
    """

    name: ClassVar[str] = "ptq"
    may_stay_in_float: ClassVar[bool] = True
    paper: ClassVar[str] = "Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018"

    calibration_images: Annotated[int, Field(ge=1, le=100_000)] = 256

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:  # noqa: ARG002 # any will do
        """Look at every tensor that would be put on a grid."""
        from automl_plugins.quantizers._quantizer_check import check_quantizable

        check_quantizable(model, context.calibration[:2])

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Quantize with the ranges of two images."""
        from automl_plugins.quantizers._quantization import quantized_untrained
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        grids = [*weight_grids(model, weight_bits), *activation_grids(model)]
        return quantized_untrained(model, grids, context.calibration[:2])

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Calibrate with NNI's PtqQuantizer."""
        from automl_plugins.quantizers._calibration import calibrated
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        grids = [*weight_grids(model, weight_bits), *activation_grids(model)]
        return calibrated(model, grids, context.calibration[: self.calibration_images])
