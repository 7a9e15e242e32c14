"""Puts weights on the values that a quantization gives them."""

import torch
from torch import Tensor, nn

from automl.core.quantization import Quantization, WeightQuantization


def put_on_grid(weight: Tensor, grid: WeightQuantization, signs: Tensor | None = None) -> None:
    """Round each weight in place to the nearest value of its channel.

    Args:
        weight: Shape (channels, …).
        grid: Its values.
        signs: -1 or 1 for each channel, shape (channels, 1, …): where -1, the values change their sign.
    """
    codes = torch.tensor(grid.legal_codes, dtype=weight.dtype, device=weight.device)
    scale = torch.tensor(grid.scale, dtype=weight.dtype, device=weight.device).reshape(-1, *[1] * (weight.dim() - 1))
    scale = scale if signs is None else scale * signs
    with torch.no_grad():
        nearest = torch.bucketize(weight / scale, (codes[1:] + codes[:-1]) / 2, right=True)
        weight.copy_(codes[nearest] * scale)


def put_on_grids(model: nn.Module, quantization: Quantization) -> None:
    """Round the weight of each layer that a quantization names."""
    for name, grid in quantization.weights.items():
        put_on_grid(model.get_submodule(name).get_parameter("weight"), grid)
