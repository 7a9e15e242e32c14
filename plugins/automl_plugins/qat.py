"""Quantization with training: the network learns to live with its rounding."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Integer, Profile, QuantizedModel, Quantizer, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class QAT(Quantizer):
    """Trains with simulated rounding in the forward pass and straight-through gradients in the backward pass.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """

    name: ClassVar[str] = "qat"
    paper: ClassVar[str] = "Jacob et al., Quantization and Training of Neural Networks, 2018"

    epochs: Annotated[int, Field(ge=1, le=1000), Search(Integer(low=1, high=5))] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Train with NNI's QATQuantizer."""
        from automl_plugins._nni import QATQuantizer, training_evaluator
        from automl_plugins._quantization import kept_zeros, quantized
        from automl_plugins._quantized_tensors import activation_grids, weight_grids

        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        quantizer = QATQuantizer(model, [*weight_grids(model, weight_bits), *activation_grids(model)], trainer)
        with kept_zeros(model):
            _, calibration = quantizer.compress(None, self.epochs)
        return quantized(quantizer, calibration)
