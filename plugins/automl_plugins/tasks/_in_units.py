"""Lets a network that answers about 0 answer in the units of its labels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class InUnits(nn.Module):
    """A network, and behind it a multiplication and an addition a number.

    Args:
        network: From images to numbers that begin about 0, one apart.
        centres: What 0 becomes, a number each.
        spreads: What 1 adds to it.
    """

    spreads: Tensor
    centres: Tensor

    def __init__(self, network: nn.Module, centres: Sequence[float], spreads: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("spreads", torch.tensor(spreads))
        self.register_buffer("centres", torch.tensor(centres))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to numbers (N, K)."""
        outputs: Tensor = self.network(images)
        return outputs * self.spreads + self.centres
