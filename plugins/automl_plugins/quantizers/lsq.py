"""Quantization with learned step sizes."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import Profile, QuantizedModel, StageContext
from automl_plugins.quantizers.trained_quantizer import TrainedQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class LSQ(TrainedQuantizer):
    """Learns the step of every grid by gradient descent, together with the weights."""

    name: ClassVar[str] = "lsq"
    paper: ClassVar[str] = "Esser et al., Learned Step Size Quantization, 2020"

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Look at every tensor that would be put on a grid, and at what trains beside them."""
        from automl_plugins.quantizers._quantizer_check import check_no_loose_parameters

        super().check(model, weight_bits, context)
        check_no_loose_parameters(model, self.name)

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Put the same grids on the network as it is."""
        from automl_plugins.quantizers._quantization import quantized_untrained
        from automl_plugins.quantizers._quantized_tensors import ActivationScheme, activation_grids, weight_grids

        grids = [*weight_grids(model, weight_bits), *activation_grids(model, ActivationScheme.SYMMETRIC)]
        return quantized_untrained(model, grids, context.calibration[:2])

    def wrap(self, model: "nn.Module", weight_bits: Profile, trainer: Any) -> Any:
        """Give NNI's LsqQuantizer, whose activations are symmetric."""
        from automl_plugins.quantizers._lsq import FittedLsqQuantizer
        from automl_plugins.quantizers._quantized_tensors import ActivationScheme, activation_grids, weight_grids

        activations = activation_grids(model, ActivationScheme.SYMMETRIC)
        return FittedLsqQuantizer(model, [*weight_grids(model, weight_bits), *activations], trainer)
