"""Quantization with learned step sizes."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Integer, Profile, QuantizedModel, Quantizer, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class LSQ(Quantizer):
    """Learns the step of every grid by gradient descent, together with the weights.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """

    name: ClassVar[str] = "lsq"
    paper: ClassVar[str] = "Esser et al., Learned Step Size Quantization, 2020"

    epochs: Annotated[int, Field(ge=1, le=1000), Search(Integer(low=1, high=5))] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Train with NNI's LsqQuantizer."""
        from automl_plugins._lsq import FittedLsqQuantizer
        from automl_plugins._nni import training_evaluator
        from automl_plugins._quantization import kept_zeros, quantized
        from automl_plugins._quantized_tensors import ActivationScheme, activation_grids, weight_grids

        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        quantizer = FittedLsqQuantizer(
            model, [*weight_grids(model, weight_bits), *activation_grids(model, ActivationScheme.SYMMETRIC)], trainer
        )
        with kept_zeros(model):
            _, calibration = quantizer.compress(None, self.epochs)
        return quantized(quantizer, calibration)
