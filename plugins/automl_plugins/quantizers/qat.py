"""Quantization with training: the network learns to live with its rounding."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import Profile, QuantizedModel, StageContext
from automl_plugins.quantizers.trained_quantizer import TrainedQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class QAT(TrainedQuantizer):
    """Trains with simulated rounding in the forward pass and straight-through gradients in the backward pass."""

    name: ClassVar[str] = "qat"
    paper: ClassVar[str] = "Jacob et al., Quantization and Training of Neural Networks, 2018"

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Look at every tensor that would be put on a grid, and for something to train."""
        from automl_plugins._frozen import check_some_learn

        super().check(model, weight_bits, context)
        check_some_learn(model, self.name, "ptq")

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Put the same grids on the network as it is."""
        from automl_plugins.quantizers._quantization import quantized_untrained
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        grids = [*weight_grids(model, weight_bits), *activation_grids(model)]
        return quantized_untrained(model, grids, context.calibration[:2])

    def wrap(self, model: "nn.Module", weight_bits: Profile, trainer: Any) -> Any:
        """Give NNI's QATQuantizer."""
        from automl_plugins.nni.compression import QATQuantizer
        from automl_plugins.quantizers._quantized_tensors import activation_grids, weight_grids

        return QATQuantizer(model, [*weight_grids(model, weight_bits), *activation_grids(model)], trainer)
