"""Numbers the channels of a network, and remembers which of them must go together and which must stay, and why."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

CONSTANT = -1.0
"""Label of an element that belongs to no channel of a layer, such as a pixel of an image."""

Labels = Tensor
"""As large as a value of the forward pass, float64: for each element, the number of the unit that it goes with.

A dimension along which the labels are the same has stride zero, so that most labels take little memory.
"""


class ChannelUnits:
    """Units are output channels of layers, and slices of parameters that no layer holds.

    Attributes:
        reasons: Why a unit must stay, by its number; the first reason is kept.
    """

    def __init__(self) -> None:
        self.reasons: dict[int, str] = {}
        self._count = 0
        self._pairs: list[Tensor] = []

    def new(self, count: int) -> Labels:
        """Number so many units."""
        made = torch.arange(self._count, self._count + count, dtype=torch.float64)
        self._count += count
        return made

    def tie(self, left: Labels, right: Labels, reason: str) -> None:
        """Let units go together, element by element; one that meets a constant must stay, for the reason given."""
        left, right = _compacted(left, right)
        pairs = torch.stack([(left + 0 * right).flatten(), (right + 0 * left).flatten()])  # broadcast to one shape
        pairs = torch.unique(pairs[:, pairs[0] != pairs[1]], dim=1)
        constant = (pairs == CONSTANT).any(dim=0)
        self.keep(pairs[:, constant], reason)
        self._pairs.append(pairs[:, ~constant])

    def keep(self, labels: Labels, reason: str) -> None:
        """Say that units must stay."""
        (compact,) = _compacted(labels)
        for unit in torch.unique(compact).tolist():
            if unit != CONSTANT:
                self.reasons.setdefault(int(unit), reason)

    def classes(self) -> NDArray[np.int64]:
        """Number what goes together: the class of each unit."""
        pairs = torch.cat([torch.empty(2, 0, dtype=torch.float64), *self._pairs], dim=1).long().numpy()
        matrix = coo_array((np.ones(pairs.shape[1], dtype=np.int8), pairs), shape=(self._count, self._count))
        return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def constant(shape: Sequence[int]) -> Labels:
    """Label a value that belongs to no channel."""
    return torch.tensor(CONSTANT, dtype=torch.float64).expand(tuple(shape))


def along(labels: Labels, dimension: int, shape: Sequence[int]) -> Labels:
    """Label a value of this shape by the index in one dimension."""
    view = [1] * len(shape)
    view[dimension] = labels.numel()
    return labels.reshape(view).expand(tuple(shape))


def collapsed(labels: Labels) -> Labels:
    """Give the same labels with stride zero wherever they do not change."""
    shape = labels.shape
    (labels,) = _compacted(labels)
    for dimension in range(labels.dim()):
        first = labels.narrow(dimension, 0, min(1, labels.size(dimension)))  # a slice may leave nothing
        if labels.size(dimension) > 1 and bool((labels == first).all()):
            labels = first
    return labels.expand(shape)


def varying(labels: Labels) -> list[int]:
    """List the dimensions along which collapsed labels change."""
    return [d for d in range(labels.dim()) if labels.size(d) > 1 and labels.stride(d) != 0]


def is_constant(labels: Labels) -> bool:
    """Say whether no element belongs to a channel."""
    (compact,) = _compacted(labels)
    return bool((compact == CONSTANT).all())


def first_along(labels: Labels, dimension: int) -> Labels:
    """Give the labels of the first index, in the shape of all."""
    return labels.narrow(dimension, 0, 1).expand_as(labels)


def _compacted(*many: Labels) -> tuple[Labels, ...]:
    """Narrow the dimensions of stride zero; those of several labels only where all of them are, or are broadcast."""
    shared = [d for d in range(many[0].dim()) if all(labels.size(d) <= 1 or labels.stride(d) == 0 for labels in many)]
    compact = []
    for labels in many:
        for dimension in shared:
            if labels.size(dimension) > 1:
                labels = labels.narrow(dimension, 0, 1)  # noqa: PLW2901 # step by step
        compact.append(labels)
    return tuple(compact)
