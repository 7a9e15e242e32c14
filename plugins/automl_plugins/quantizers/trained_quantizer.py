"""What the quantizers that train share: their hyperparameters and the way to a quantized network."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import Epochs, Integer, Profile, QuantizedModel, Quantizer, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class TrainedQuantizer(Quantizer):
    """Trains with simulated rounding; weights that are zero stay zero.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """

    may_stay_in_float: ClassVar[bool] = True

    epochs: Annotated[int, Field(ge=1, le=1000), Epochs(), Search(Integer(low=1, high=5))] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002

    @abstractmethod
    def wrap(self, model: "nn.Module", weight_bits: Profile, trainer: Any) -> Any:
        """Give the NNI quantizer around ``model``, which ``trainer`` trains."""

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:  # noqa: ARG002 # any will do
        """Look at every tensor that would be put on a grid."""
        from automl_plugins.quantizers._quantizer_check import check_quantizable

        check_quantizable(model, context.calibration[:2])

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Train with NNI, then put the weights on the grids that it found."""
        from automl_plugins.nni.compression import training_evaluator
        from automl_plugins.quantizers._quantization import kept_zeros, quantized

        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        quantizer = self.wrap(model, weight_bits, trainer)
        with kept_zeros(model):
            _, calibration = quantizer.compress(None, self.epochs)
        return quantized(quantizer, calibration)
