"""Prunes the channels of a network: follows them, has them chosen, removes what was chosen, and proves the result."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.network.plain import plain_weights
from automl.technique import Profile
from automl_plugins.pruners.channels.comparison import Removal, without_channels
from automl_plugins.pruners.channels.flow import ChannelFlow, channel_flow
from automl_plugins.pruners.channels.groups import ChannelGroup, channel_groups
from automl_plugins.pruners.channels.removals import Removals, group_removals

_logger = logging.getLogger(__name__)

_COMPARED_IMAGES = 12

REMEDY = "prune single weights with 'level' or 'movement', leave the pruner out, or choose another architecture"

Choose = Callable[[nn.Module, Mapping[int, ChannelGroup], Mapping[int, Removals]], Mapping[int, set[int]]]
"""Says for each group of a network, by its place, which classes of its channels go."""


class Pruned(NamedTuple):
    """A network with fewer channels.

    Attributes:
        model: In evaluation mode.
        kept_whole: Layers that keep all channels though they were asked for some, with the reason.
    """

    model: nn.Module
    kept_whole: Mapping[str, str]


@dataclass(frozen=True)
class PrunableNetwork:
    """A network and what is known of its channels.

    Attributes:
        model: In evaluation mode, its weights plain.
        flow: What goes together in it.
        groups: Convolutions that share a sparsity, in the order of the forward pass.
    """

    model: nn.Module
    flow: ChannelFlow
    groups: list[ChannelGroup]

    @classmethod
    def of(cls, model: nn.Module, images: Tensor) -> "PrunableNetwork":
        """Follow the channels of a network.

        Args:
            model: Any network; it need not be traced.
            images: A batch (N, C, H, W).

        Raises:
            InfeasibleError: If it has no convolution.
        """
        if not any(isinstance(module, nn.Conv2d) for module in model.modules()):
            raise InfeasibleError(f"the network has no convolution, so no channels to remove; {REMEDY}")
        model = plain_weights(model.eval(), images)
        flow = channel_flow(model, images[:2])
        return cls(model, flow, channel_groups(flow))

    def removals(self, sparsity: Profile, *, multiple: int) -> list[Removals]:
        """Say how many channels each layer of each group is to lose."""
        return group_removals(self.model, [group.layers for group in self.groups], sparsity, multiple=multiple)

    def pruned(self, removals: Sequence[Removals], choose: Choose, images: Tensor) -> Pruned:
        """Remove channels.

        Args:
            removals: How many, a group.
            choose: Says which.
            images: Real ones (N, C, H, W).

        Returns:
            The network, and the layers that keep all channels though they were asked.

        Raises:
            InfeasibleError: If something was asked, and no layer can lose a channel.
        """
        asked = {index: group for index, group in enumerate(self.groups) if any(removals[index].values())}
        kept_whole = {name: group.reason for group in asked.values() for name in group.layers if group.reason}
        left = {index: group for index, group in asked.items() if group.reason is None}
        chosen = choose(self.model, left, {index: removals[index] for index in left}) if left else {}
        for index, classes in chosen.items():
            if not classes:
                kept_whole |= dict.fromkeys(left[index].layers, "more of them go together than may go")
        cut = without_channels(
            self.model.eval(),
            self.flow,
            [Removal(tuple(left[index].layers), frozenset(classes)) for index, classes in chosen.items() if classes],
            images[:_COMPARED_IMAGES],
        )
        kept_whole |= cut.kept_whole
        if cut.model is None:
            raise InfeasibleError(f"no channel can be removed: {said(kept_whole)}; {REMEDY}")
        return Pruned(cut.model, kept_whole)


def prune_channels(
    model: nn.Module, sparsity: Profile, images: Tensor, choose: Choose, *, multiple: int
) -> tuple[nn.Module, bool]:
    """Prune a trained network, which is changed, and say which layers keep all channels.

    Args:
        model: A trained network.
        sparsity: Share of channels to remove, sampled once a group of layers, first to last.
        images: Real ones (N, C, H, W).
        choose: Says which channels go.
        multiple: Channels that stay are rounded to a multiple of this.

    Returns:
        The network, and whether it has fewer channels.

    Raises:
        InfeasibleError: If something was asked, and no layer can lose a channel.
    """
    network = PrunableNetwork.of(model, images)
    removals = network.removals(sparsity, multiple=multiple)
    if not any(count for each in removals for count in each.values()):
        if any(sparsity.values(len(removals))):
            _logger.warning(
                "no channel is removed: rounded to a multiple of %d, every layer keeps all of its channels", multiple
            )
        return model, False
    pruned = network.pruned(removals, choose, images)
    if pruned.kept_whole:
        _logger.warning("these layers keep all channels: %s", said(pruned.kept_whole))
    return pruned.model, True


def said(kept_whole: Mapping[str, str]) -> str:
    """Name layers with the reason why they keep their channels.

    >>> said({"a": "it makes the logits", "b": "c mixes them", "d": "c mixes them"})
    "layer 'a' (it makes the logits), layers 'b' and 'd' (c mixes them)"
    """
    layers: dict[str, list[str]] = {}
    for layer, reason in kept_whole.items():
        layers.setdefault(reason, []).append(repr(layer))
    return ", ".join(
        f"{'layer' if len(names) == 1 else 'layers'} {_listed(names)} ({reason})" for reason, names in layers.items()
    )


def by_weights(
    model: nn.Module, groups: Mapping[int, ChannelGroup], removals: Mapping[int, Removals]
) -> dict[int, set[int]]:
    """Choose the channels with the smallest weights: for a shape it does not matter which."""
    return {
        index: group.chosen({name: _weight_sums(model, name) for name in group.layers}, removals[index])
        for index, group in groups.items()
    }


def _weight_sums(model: nn.Module, name: str) -> NDArray[np.float64]:
    weight = model.get_submodule(name).get_parameter("weight")
    return weight.detach().abs().flatten(1).sum(1).double().cpu().numpy()


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
