"""What the quantizers share that train their weights under batch normalisation, and calibrate activations after it."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import (
    Epochs,
    Integer,
    Profile,
    Quantization,
    QuantizedModel,
    Quantizer,
    Search,
    StageContext,
    WeightQuantization,
)

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor, nn

_EIGHT_BITS = Profile(level=8, low=8, high=8)


class WeightsFirstQuantizer(Quantizer):
    """Trains with quantized weights and float activations, then puts activations on 8 bits by calibration.

    Batch normalisation stays in place while it trains, and adapts to the weights; folded at the end, its factor
    moves into the scale of each channel. Layers whose weights are not trained on a grid get 8 bits, too.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """

    may_stay_in_float: ClassVar[bool] = True
    takes_batch_norm: ClassVar[bool] = True

    epochs: Annotated[int, Field(ge=1, le=1000), Epochs(), Search(Integer(low=1, high=5))] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002

    @abstractmethod
    def train(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Train ``model`` in place to work with weights on their grids; it is left with any weights."""

    @abstractmethod
    def snap(self, model: "nn.Module", weight_bits: Profile, images: "Tensor") -> dict[str, WeightQuantization]:
        """Put the weights of layers on their grids in place, and give the grids by layer.

        Args:
            model: As ``train`` left it.
            weight_bits: As for ``quantize``.
            images: Normalised, shape (N, C, H, W), for ``fold_signs``.
        """

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:  # noqa: ARG002 # any will do
        """Look at every tensor that would be put on a grid."""
        from automl.network.folding import fold_batch_norm
        from automl_plugins.quantizers._quantizer_check import check_quantizable

        check_quantizable(fold_batch_norm(model, context.calibration), context.calibration[:2])

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Quantize with the ranges of two images."""
        from automl_plugins.quantizers._quantization import quantized_untrained

        return self._folded(model, weight_bits, context.calibration[:2], quantized_untrained)

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Train the weights, fold batch normalisation, calibrate what is left."""
        from automl_plugins.quantizers._calibration import calibrated

        self.train(model, weight_bits, context)
        return self._folded(model, weight_bits, context.calibration, calibrated)

    def _folded(
        self,
        model: "nn.Module",
        weight_bits: Profile,
        images: "Tensor",
        finish: "Callable[[nn.Module, list[dict[str, Any]], Tensor], QuantizedModel]",
    ) -> QuantizedModel:
        from automl_plugins.quantizers._folded_grids import fold_on_grids, remeasure_batch_norm
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        grids = self.snap(model, weight_bits, images)
        remeasure_batch_norm(model, images)
        folded, quantization = fold_on_grids(model, grids, images)
        weights = quantization.weights
        others = [grid for grid in weight_grids(folded, _EIGHT_BITS) if grid["op_names"][0] not in weights]
        finished, rest = finish(folded, [*others, *activation_grids(folded)], images)
        return QuantizedModel(finished, Quantization(weights={**rest.weights, **weights}, outputs=rest.outputs))
