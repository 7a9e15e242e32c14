"""DoReFa and BNN whose weights keep their magnitude: NNI takes each weight to the range from -1 to 1.

Where no batch normalisation follows the layer, that multiplies what the network computes, layer by layer.
"""

from typing import Any

import torch
from torch import Tensor

from automl_plugins.nni.compression import BNNQuantizer, DoReFaQuantizer, quant_apply_methods, register_rounding

_SMALLEST_AMPLITUDE = torch.finfo(torch.float32).eps


class ScaledDoReFaQuantizer(DoReFaQuantizer):  # type: ignore[misc] # NNI has no types
    """DoReFa that multiplies its grid by the largest weight of the layer.

    Gradients stay in float: NNI would round those of a layer to the bits of its weights, and divide by zero where
    a sample has none.
    """

    def register_dorefa_apply_method(self) -> None:
        super().register_dorefa_apply_method()
        register_rounding("scaled_dorefa", _round_to_odd_multiples)
        for spaces in self._target_spaces.values():
            for space in spaces.values():
                space.apply_method = "scaled_dorefa"

    def register_output_backward_hook(self) -> None:
        """Register nothing: this is NNI's rounding of gradients."""


class ScaledBNNQuantizer(BNNQuantizer):  # type: ignore[misc] # NNI has no types
    """BNN that multiplies the signs of a channel by their mean magnitude (Rastegari et al., XNOR-Net, 2016)."""

    def check_validation(self) -> None:
        """Check nothing: NNI asks for a width and then warns that it does not use one."""

    def register_bnn_apply_method(self) -> None:
        register_rounding("scaled_bnn", _round_to_signs)
        for spaces in self._target_spaces.values():
            for space in spaces.values():
                space.apply_method = "scaled_bnn"


def layer_amplitude(weight: Tensor) -> Tensor:
    """Give the largest magnitude of a weight, a scalar."""
    return weight.detach().abs().max().clamp_min(_SMALLEST_AMPLITUDE)


def channel_amplitudes(weight: Tensor) -> Tensor:
    """Give the mean magnitude of each output channel, shape (channels, 1, …)."""
    return weight.abs().mean(dim=tuple(range(1, weight.dim())), keepdim=True)


def rounded_to_odd_multiples(weight: Tensor, bits: int) -> Tensor:
    """Round a weight as DoReFa does while it trains: to odd multiples of its amplitude over ``2**bits - 1``."""
    squashed = torch.tanh(weight)
    steps: int = 2**bits - 1
    share = squashed / (2 * squashed.abs().max().clamp_min(_SMALLEST_AMPLITUDE)) + 0.5
    codes: Tensor = 2 * torch.round(share * steps) - steps
    return codes / steps * layer_amplitude(weight)


def _round_to_odd_multiples(weight: Tensor, space: Any) -> Tensor:
    rounded: Tensor = quant_apply_methods["dorefa_clamp_round_weight"](weight, space)
    return rounded * layer_amplitude(weight)


def _round_to_signs(weight: Tensor, space: Any) -> Tensor:
    signs: Tensor = quant_apply_methods["bnn_clamp_round"](weight, space)
    return signs * channel_amplitudes(weight)
