"""Finds out once what networks have in common that differ in widths alone, so that a search need not ask for each."""

import copy
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

from automl.errors import InfeasibleError, UntraceableError
from automl.network.skeleton import skeleton
from automl.network.stirring import stirred
from automl.network.tracing import trace_operations
from automl_plugins.pruners._resizing import UnknownResizingError, resize_channels
from automl_plugins.pruners.channels.pruning import PrunableNetwork, by_weights

_KEPT_LAYOUTS = 64


class ChannelLayout(NamedTuple):
    """What networks have in common that differ in widths alone.

    Attributes:
        groups: Names of convolutions that share a sparsity, in the order of the forward pass.
        kept_whole: Layers that keep all channels whatever is asked, with the reason.
        graph: Of the forward pass, down to the modules of torch, along which layers can be resized as pruning would:
            None where which channels go decides how many can go, or where the forward pass must be rewritten.
    """

    groups: list[list[str]]
    kept_whole: Mapping[str, str]
    graph: fx.Graph | None


_layouts: dict[Hashable, ChannelLayout] = {}


def channel_layout(model: nn.Module, images: Tensor) -> ChannelLayout:
    """Find the layout of a network.

    Args:
        model: In evaluation mode, trained or not; it is left as it is.
        images: Real ones (N, C, H, W), a dozen.

    Raises:
        InfeasibleError: If the network has no convolution.
    """
    own = skeleton(model)
    key = (own, sum(1 for _ in model.parameters()), images.shape[1:])  # layers may share a weight
    if own is not None and key in _layouts:
        return _layouts[key]
    found = _find_layout(model, images)
    if own is not None:
        if len(_layouts) >= _KEPT_LAYOUTS:
            _layouts.clear()
        _layouts[key] = found
    return found


def _find_layout(model: nn.Module, images: Tensor) -> ChannelLayout:
    network = PrunableNetwork.of(stirred(model, images), images)
    removals = [{name: len(row) // 2 for name, row in group.classes.items()} for group in network.groups]
    groups = [group.layers for group in network.groups]
    if not any(count for each in removals for count in each.values()):
        return ChannelLayout(groups, {}, None)
    try:
        pruned = network.pruned(removals, by_weights, images)
    except InfeasibleError:
        return ChannelLayout(groups, {}, None)
    graph = None
    if all(group.is_regular or group.reason for group in network.groups):
        kept = {
            name: len(group.classes[name]) - count
            for group, each in zip(network.groups, removals, strict=True)
            for name, count in each.items()
            if name not in pruned.kept_whole
        }
        graph = _resizing_graph(model, kept, pruned.model, images)
    return ChannelLayout(groups, pruned.kept_whole, graph)


def _resizing_graph(model: nn.Module, kept: Mapping[str, int], pruned: nn.Module, images: Tensor) -> fx.Graph | None:
    """Trace the network, if layers resized along its graph get the shapes that pruning gave them."""
    resized = copy.deepcopy(model)
    try:
        graph = trace_operations(resized).graph
        resize_channels(resized, graph, kept, images[:2])
    except (UntraceableError, UnknownResizingError):
        return None
    return graph if _shapes(resized) == _shapes(pruned) else None


def _shapes(model: nn.Module) -> Sequence[tuple[str, torch.Size]]:
    return [(name, value.shape) for name, value in model.state_dict().items()]
