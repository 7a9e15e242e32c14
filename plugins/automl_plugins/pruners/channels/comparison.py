"""Removes channels from a network, and proves that what is left answers as the network with zeros in their place."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from automl.network.answers import answer_gap, answers
from automl_plugins.pruners.channels.constants import cut_with_constants
from automl_plugins.pruners.channels.cutting import cut_channels, silenced
from automl_plugins.pruners.channels.flow import ChannelFlow

_LARGEST_GAP = 1e-4
"""Share of the spread of the logits by which they may move, beyond rounding."""

_RAISED_BY_SHAPES = (RuntimeError, ValueError, IndexError, AssertionError)
"""What a forward pass raises where it names a number of channels that are no longer there."""


class Removal(NamedTuple):
    """What one group of layers loses.

    Attributes:
        layers: Names of its convolutions.
        classes: Of channels, as ``ChannelFlow`` numbers them.
    """

    layers: tuple[str, ...]
    classes: frozenset[int]


class Cut(NamedTuple):
    """A network without some channels, and the layers that could not lose theirs.

    Attributes:
        model: None where none could.
        kept_whole: The reason, by layer.
    """

    model: nn.Module | None
    kept_whole: Mapping[str, str]


def without_channels(model: nn.Module, flow: ChannelFlow, removals: Sequence[Removal], images: Tensor) -> Cut:
    """Copy a network without the channels of as many groups as can lose theirs.

    Args:
        model: In evaluation mode; it is left as it is.
        flow: Of the network.
        removals: What goes, group by group.
        images: Real ones (N, C, H, W), a dozen: the answers to them are compared.
    """
    cutter = _Cutter(model, flow, images)
    cut = cutter.largest(list(removals))
    return Cut(cut.model if cut.removals else None, cutter.kept_whole)


class _Part(NamedTuple):
    model: nn.Module
    removals: list[Removal]


class _Cutter:
    """Finds the groups that can lose their channels, by halves."""

    def __init__(self, model: nn.Module, flow: ChannelFlow, images: Tensor) -> None:
        self._model, self._flow, self._images = model, flow, images
        self.kept_whole: dict[str, str] = {}

    def largest(self, removals: list[Removal]) -> _Part:
        """Cut all of these groups, or else as many as can be."""
        if not removals:
            return _Part(self._model, [])
        cut, reason = self._attempt(removals)
        if cut is not None:
            return _Part(cut, removals)
        if len(removals) == 1:
            self.kept_whole.update(dict.fromkeys(removals[0].layers, reason))
            return _Part(self._model, [])
        middle = len(removals) // 2
        first, second = self.largest(removals[:middle]), self.largest(removals[middle:])
        if not first.removals or not second.removals:
            return first if first.removals else second
        both = [*first.removals, *second.removals]
        if len(both) < len(removals):
            cut, reason = self._attempt(both)
            if cut is not None:
                return _Part(cut, both)
        for removal in second.removals:  # each half can be cut, and the two together cannot
            cut, reason = self._attempt([*first.removals, removal])
            if cut is not None:
                first = _Part(cut, [*first.removals, removal])
            else:
                self.kept_whole.update(dict.fromkeys(removal.layers, reason))
        return first

    def _attempt(self, removals: Collection[Removal]) -> tuple[nn.Module | None, str]:
        gone = frozenset[int]().union(*(removal.classes for removal in removals))
        with silenced(self._model, self._flow, gone):
            expected = answers(self._model, self._images)
        cut = copy.deepcopy(self._model)
        cut_channels(cut, self._flow, gone)
        reason = self._departure(cut, expected)
        if reason is None:
            return cut, ""
        rewritten = cut_with_constants(self._model, self._flow, gone, self._images[:2])
        if rewritten is not None and self._departure(rewritten, expected) is None:
            return rewritten, ""
        return None, reason

    def _departure(self, cut: nn.Module, expected: NDArray[np.float32]) -> str | None:
        """Say how a cut network differs from the one with zeros; None where it does not."""
        try:
            found = answers(cut, self._images)
        except _RAISED_BY_SHAPES as error:
            first = str(error).strip().partition("\n")[0]
            return f"the forward pass does not work with fewer of them ({type(error).__name__}: {first})"
        if found.shape != expected.shape:
            return f"without them, the answer has the shape {found.shape}, not {expected.shape}"
        gap = answer_gap(expected, found)
        if not gap <= _LARGEST_GAP:
            return f"without them, the logits are {gap:.2g} of their spread from those with zeros in their place"
        return None
