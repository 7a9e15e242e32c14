"""Quantization with training, on a grid that has no zero."""

from typing import TYPE_CHECKING, ClassVar

from automl.technique import Profile, StageContext, WeightQuantization
from automl_plugins.quantizers.weights_first_quantizer import WeightsFirstQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor, nn


class DoReFa(WeightsFirstQuantizer):
    """Trains weights that are squashed by tanh and rounded to odd multiples of a step, one step a layer.

    The paper's ``2**b`` values from -1 to 1 times the layer's largest weight: below 8 bits there is no zero among
    them, so single weights that a pruner set to zero come back. At 8 bits the trained weights are put on the
    symmetric grid of 255 values, since codes of up to 255 do not fit int8. Gradients stay in float. Activations are
    calibrated to 8 bits after training, not clamped to the range from 0 to 1 as in the paper.
    """

    name: ClassVar[str] = "dorefa"
    paper: ClassVar[str] = "Zhou et al., DoReFa-Net: Training Low Bitwidth CNNs with Low Bitwidth Gradients, 2016"

    def train(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Train with NNI's DoReFaQuantizer."""
        from automl_plugins.nni.compression import training_evaluator, unwrap
        from automl_plugins.quantizers._quantization import kept_zeros
        from automl_plugins.quantizers._quantized_tensors import layer_bits
        from automl_plugins.quantizers._scaled_weights import ScaledDoReFaQuantizer

        config = [
            {"op_names": [name], "target_names": ["weight"], "quant_dtype": f"uint{bits}", "quant_scheme": "affine"}
            for name, bits in layer_bits(model, weight_bits).items()
        ]
        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        quantizer = ScaledDoReFaQuantizer(model, config, trainer)
        with kept_zeros(model):
            quantizer.compress(None, self.epochs)
        unwrap(quantizer)

    def snap(
        self,
        model: "nn.Module",
        weight_bits: Profile,
        images: "Tensor",  # noqa: ARG002
    ) -> dict[str, WeightQuantization]:
        """Put weights on DoReFa's grid, or next to it at 8 bits."""
        from automl.network.grids import put_on_grid
        from automl_plugins.quantizers._quantized_tensors import layer_bits
        from automl_plugins.quantizers._scaled_weights import layer_amplitude, rounded_to_odd_multiples

        grids = {}
        for name, bits in layer_bits(model, weight_bits).items():
            weight = model.get_submodule(name).get_parameter("weight")
            largest = min(2**bits - 1, 127)
            scale = layer_amplitude(weight).item() / largest
            levels = tuple(range(-largest, largest + 1, 2)) if bits < 8 else None
            grids[name] = WeightQuantization(bits, (scale,) * len(weight), levels)
            weight.data = rounded_to_odd_multiples(weight.detach(), bits)
            put_on_grid(weight, grids[name])
        return grids
