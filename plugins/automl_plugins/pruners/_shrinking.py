"""Takes channels out of a network that is not trained: how many matters, which does not."""

import copy
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.network.plain import plain_weights
from automl.network.stirring import stirred
from automl.technique import Profile
from automl_plugins.pruners._resizing import resize_channels
from automl_plugins.pruners.channels.layouts import ChannelLayout, channel_layout
from automl_plugins.pruners.channels.pruning import REMEDY, PrunableNetwork, by_weights, said
from automl_plugins.pruners.channels.removals import Removals, channels, group_removals


def shrink_channels(model: nn.Module, sparsity: Profile, images: Tensor, *, multiple: int) -> nn.Module:
    """Remove as many channels of each group as a channel pruner would.

    Args:
        model: Any network; it is left as it is.
        sparsity: Share of channels to remove, sampled once a group, first to last.
        images: Real ones (N, C, H, W).
        multiple: Channels that stay are rounded to a multiple of this.

    Returns:
        A copy, or the network itself where nothing is to be removed.

    Raises:
        InfeasibleError: If something was asked, and no layer can lose a channel.
    """
    model = plain_weights(model.eval(), images)
    layout = channel_layout(model, images)
    removals = group_removals(model, layout.groups, sparsity, multiple=multiple)
    if not _asked(removals):
        return model
    if layout.graph is None:
        network = PrunableNetwork.of(stirred(model, images), images)
        return network.pruned(removals, by_weights, images).model
    _refuse_if_nothing_goes(layout, removals)
    shrunk = copy.deepcopy(model)
    kept = {
        name: channels(model, name) - count
        for each in removals
        for name, count in each.items()
        if name not in layout.kept_whole
    }
    resize_channels(shrunk, layout.graph, kept, images[:2])
    return shrunk


def check_channels(model: nn.Module, sparsity: Profile, images: Tensor, *, multiple: int) -> None:
    """See on an untrained network whether something of what is asked can be removed.

    Args:
        model: Any network; it is left as it is.
        sparsity: As for ``shrink_channels``.
        images: As for ``shrink_channels``.
        multiple: As for ``shrink_channels``.

    Raises:
        InfeasibleError: If something was asked, and no layer can lose a channel.
    """
    model = plain_weights(model.eval(), images)
    layout = channel_layout(model, images)
    removals = group_removals(model, layout.groups, sparsity, multiple=multiple)
    if not _asked(removals):
        return
    if layout.graph is None:
        PrunableNetwork.of(stirred(model, images), images).pruned(removals, by_weights, images)
    else:
        _refuse_if_nothing_goes(layout, removals)


def asked_channels(model: nn.Module, sparsity: Profile, images: Tensor) -> dict[str, float]:
    """Say how many channels of each convolution a profile leaves before they are rounded.

    Args:
        model: Any network; it is left as it is.
        sparsity: Share of channels to remove, sampled once a group, first to last.
        images: Real ones (N, C, H, W).

    Returns:
        Channels by convolution, in the order of the network's modules.
    """
    model = plain_weights(model.eval(), images)
    groups = channel_layout(model, images).groups
    values = sparsity.values(len(groups))
    shares = {name: share for group, share in zip(groups, values, strict=True) for name in group}
    return {
        name: round(channels(model, name) * (1 - shares[name]), 6)
        for name, _ in model.named_modules()
        if name in shares
    }


def _asked(removals: Sequence[Removals]) -> dict[str, int]:
    return {name: count for each in removals for name, count in each.items() if count}


def _refuse_if_nothing_goes(layout: ChannelLayout, removals: Sequence[Removals]) -> None:
    kept_whole: Mapping[str, str] = layout.kept_whole
    asked = _asked(removals)
    if all(name in kept_whole for name in asked):
        reasons = said({name: kept_whole[name] for name in asked})
        raise InfeasibleError(f"no channel can be removed: {reasons}; {REMEDY}")
