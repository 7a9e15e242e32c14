"""Quantization with learned step sizes and learned zero points."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Integer, Profile, QuantizedModel, Quantizer, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class LSQPlus(Quantizer):
    """Learns the step of every grid and the zero point of every activation, together with the weights.

    Weights are symmetric, activations asymmetric, as in the paper.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """

    name: ClassVar[str] = "lsq_plus"
    paper: ClassVar[str] = "Bhalgat et al., LSQ+: Improving low-bit quantization through learnable offsets, 2020"

    epochs: Annotated[int, Field(ge=1, le=1000), Search(Integer(low=1, high=5))] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Train with NNI's LsqPlusQuantizer for activations, chained to its LsqQuantizer for weights."""
        from automl_plugins._lsq import FittedLsqPlusQuantizer, FittedLsqQuantizer
        from automl_plugins._nni import training_evaluator
        from automl_plugins._quantization import kept_zeros, quantized
        from automl_plugins._quantized_tensors import activation_grids, weight_grids

        weight_config = weight_grids(model, weight_bits)
        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        activations = FittedLsqPlusQuantizer(model, activation_grids(model), trainer)
        quantizer = FittedLsqQuantizer.from_compressor(activations, weight_config)
        with kept_zeros(model):
            _, calibration = quantizer.compress(None, self.epochs)
        return quantized(quantizer, calibration)
