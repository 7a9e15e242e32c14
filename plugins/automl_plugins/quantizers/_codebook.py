"""Weights that share a few values: found by k-means, trained as one parameter a value."""

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn
from torch.nn.utils import parametrize

_LARGEST_SAMPLE = 1 << 16


class Codebook(nn.Module):
    """Parametrizes a weight by the values that it shares; the gradient of a value is the sum of its weights'.

    Weights that are zero keep a value of their own, which is not trained.

    Args:
        weight: What is clustered, shape (channels, …).
        signs: -1 or 1 for each channel, shape (channels, 1, …): the values are those of the weight times its sign.
        count: Number of values, zero included.
    """

    labels: Tensor
    signs: Tensor

    def __init__(self, weight: Tensor, signs: Tensor, count: int) -> None:
        super().__init__()
        oriented = weight.detach() * signs
        is_zero = oriented == 0
        values = centres(oriented, count)
        self._has_zero = bool(is_zero.any())
        self._first_values = values[values != 0] if self._has_zero else values
        labels = _nearest(oriented, self._first_values)
        self.register_buffer("labels", (labels + 1).masked_fill(is_zero, 0) if self._has_zero else labels)
        self.register_buffer("signs", signs)

    def forward(self, values: Tensor) -> Tensor:
        """Give each weight its value."""
        table = torch.cat([values.new_zeros(1), values]) if self._has_zero else values
        return table[self.labels] * self.signs

    def right_inverse(self, _weight: Tensor) -> Tensor:
        """Start from the centres of the clusters."""
        return self._first_values


def share_values(layer: nn.Module, signs: Tensor, count: int) -> None:
    """Let the weight of a layer take at most ``count`` values, which train in its place.

    Another layer that shares the weight keeps it: torch would put the values into the parameter of both.
    """
    shared = layer.get_parameter("weight")
    layer.weight = nn.Parameter(shared.detach().clone(), requires_grad=shared.requires_grad)
    parametrize.register_parametrization(layer, "weight", Codebook(layer.get_parameter("weight"), signs, count))


def stop_sharing(layer: nn.Module) -> None:
    """Make the weight a plain parameter again, as it is."""
    parametrize.remove_parametrizations(layer, "weight")


def centres(values: Tensor, count: int) -> Tensor:
    """Find at most ``count`` values that stand for all, ascending: the values themselves where they are so few.

    Where a value is zero, so is one of the centres. The search starts evenly between the ends, which keeps the few
    large weights (Han et al., section 3.2), and looks at evenly spaced order statistics of a large tensor.
    """
    distinct: Tensor = torch.unique(values)
    if len(distinct) <= count:
        return distinct
    zeros = distinct[distinct == 0]
    ordered = np.sort(values[values != 0].cpu().numpy().astype(np.float64))
    sample = ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), _LARGEST_SAMPLE)).astype(int), np.newaxis]
    first = np.linspace(sample[0], sample[-1], count - len(zeros))
    found = KMeans(len(first), init=first, n_init=1).fit(sample).cluster_centers_[:, 0]
    centres_found: Tensor = torch.cat([torch.from_numpy(found).to(values), zeros])
    return centres_found.sort().values


def _nearest(values: Tensor, ascending: Tensor) -> Tensor:
    return torch.bucketize(values, (ascending[1:] + ascending[:-1]) / 2)
