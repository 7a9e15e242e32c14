"""Quantization with learned step sizes and learned zero points."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import Profile, QuantizedModel, StageContext
from automl_plugins.quantizers.trained_quantizer import TrainedQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class LSQPlus(TrainedQuantizer):
    """Learns the step of every grid and the zero point of every activation, together with the weights.

    Weights are symmetric, activations asymmetric, as in the paper.
    """

    name: ClassVar[str] = "lsq_plus"
    paper: ClassVar[str] = "Bhalgat et al., LSQ+: Improving low-bit quantization through learnable offsets, 2020"

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Look at every tensor that would be put on a grid, and at what trains beside them."""
        from automl_plugins.quantizers._quantizer_check import check_no_loose_parameters

        super().check(model, weight_bits, context)
        check_no_loose_parameters(model, self.name)

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Put the same grids on the network as it is."""
        from automl_plugins.quantizers._quantization import quantized_untrained
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        grids = [*weight_grids(model, weight_bits), *activation_grids(model)]
        return quantized_untrained(model, grids, context.calibration[:2])

    def wrap(self, model: "nn.Module", weight_bits: Profile, trainer: Any) -> Any:
        """Chain NNI's LsqQuantizer for weights to its LsqPlusQuantizer for activations."""
        from automl_plugins.quantizers._lsq import FittedLsqPlusQuantizer, FittedLsqQuantizer
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        weights = weight_grids(model, weight_bits)  # before NNI's wrappers stand in the way of the tracer
        activations = FittedLsqPlusQuantizer(model, activation_grids(model), trainer)
        return FittedLsqQuantizer.from_compressor(activations, weights)
