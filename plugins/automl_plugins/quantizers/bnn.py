"""Binary weights: one bit each."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Profile, StageContext, WeightQuantization
from automl_plugins.quantizers.weights_first_quantizer import WeightsFirstQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor, nn


class BNN(WeightsFirstQuantizer):
    """Trains weights of which only the sign is used, times one scale an output channel.

    Only weights are binary: activations have 8 bits, with which the runtime computes anyway. The first and the last
    layer keep weights of 8 bits, as is usual, so the bits of a space do not apply to this quantizer. Single weights
    that a pruner set to zero come back, since there is no zero.
    """

    name: ClassVar[str] = "bnn"
    paper: ClassVar[str] = (
        "Courbariaux et al., Binarized Neural Networks, 2016; scales: Rastegari et al., XNOR-Net, 2016"
    )

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005

    def bits(self, weight_bits: Profile, layers: int) -> list[int]:  # noqa: ARG002
        """Give 1, and 8 for the first and the last layer."""
        return [8 if layer in {0, layers - 1} else 1 for layer in range(layers)]

    def check(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Refuse depthwise convolutions: signs alone leave nothing of so few weights a channel."""
        from torch import nn

        super().check(model, weight_bits, context)
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1 and module.groups == module.in_channels:
                raise InfeasibleError(
                    f"bnn would leave only signs of the depthwise convolution {name!r}; "
                    "choose another quantizer, or an architecture without depthwise convolutions"
                )

    def train(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:  # noqa: ARG002
        """Train with NNI's BNNQuantizer."""
        from automl_plugins.nni.compression import training_evaluator, unwrap
        from automl_plugins.quantizers._scaled_weights import ScaledBNNQuantizer

        layers = _inner_layers(model)
        if not layers:
            return
        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        config = [{"op_names": layers, "target_names": ["weight"], "quant_dtype": "int8"}]
        quantizer = ScaledBNNQuantizer(model, config, trainer)
        quantizer.compress(None, self.epochs)
        unwrap(quantizer)

    def snap(
        self,
        model: "nn.Module",
        weight_bits: Profile,  # noqa: ARG002
        images: "Tensor",  # noqa: ARG002
    ) -> dict[str, WeightQuantization]:
        """Put weights on their signs."""
        from automl.network.grids import put_on_grid
        from automl_plugins.quantizers._folded_grids import SMALLEST_SCALE
        from automl_plugins.quantizers._scaled_weights import channel_amplitudes

        grids = {}
        for name in _inner_layers(model):
            weight = model.get_submodule(name).get_parameter("weight")
            scale = channel_amplitudes(weight.detach()).flatten().clamp_min(SMALLEST_SCALE)
            grids[name] = WeightQuantization(1, tuple(scale.tolist()), (-1, 1))
            put_on_grid(weight, grids[name])
        return grids


def _inner_layers(model: "nn.Module") -> list[str]:
    from automl_plugins.quantizers._quantized_tensors import layer_bits

    return list(layer_bits(model, Profile(level=1)))[1:-1]
