"""Lets NNI choose the channels that go."""

from collections.abc import Callable, Mapping
from math import nextafter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from automl_plugins.nni.compression import Masks, Refine, Scores, register_layer
from automl_plugins.pruners.channels.groups import ChannelGroup
from automl_plugins.pruners.channels.pruning import Choose
from automl_plugins.pruners.channels.removals import Removals, channels

Compress = Callable[[nn.Module, list[dict[str, Any]], Refine], Masks]
"""Gives the masks of an NNI pruner for a network and NNI's configuration; what it makes goes through ``Refine``."""


def by_nni(compress: Compress) -> Choose:
    """Choose the channels that an NNI pruner masks."""

    def choose(
        model: nn.Module, groups: Mapping[int, ChannelGroup], removals: Mapping[int, Removals]
    ) -> dict[int, set[int]]:
        for group in groups.values():
            for name in group.layers:
                layer = model.get_submodule(name)
                if isinstance(layer, nn.Conv2d):
                    register_layer(layer)
        irregular = [group for group in groups.values() if not group.is_regular]

        def refine(scores: Scores, ratios: Mapping[str, float], masks: Masks) -> None:
            for group in irregular:
                _let_go_together(group, scores, ratios, masks)

        masks = compress(model, _config(model, groups, removals), refine)
        return {index: _masked(group, masks) for index, group in groups.items()}

    return choose


def _config(
    model: nn.Module, groups: Mapping[int, ChannelGroup], removals: Mapping[int, Removals]
) -> list[dict[str, Any]]:
    """Ask NNI for the same channels of all layers of a group, where they go together in their order.

    Where they do not, NNI scores each layer by itself, and what goes together is put together afterwards.
    """
    config: list[dict[str, Any]] = []
    for index, group in groups.items():
        ratios = {name: _ratio(count, channels(model, name)) for name, count in removals[index].items() if count}
        if group.is_regular:
            ratio = next(iter(ratios.values()))
            config.append({"op_names": group.layers, "sparse_ratio": ratio, "dependency_group_id": f"group_{index}"})
        else:
            config += [{"op_names": [name], "sparse_ratio": ratio} for name, ratio in ratios.items()]
    return config


def _let_go_together(group: ChannelGroup, scores: Scores, ratios: Mapping[str, float], masks: Masks) -> None:
    """Mask what goes together, by the scores of all, as much of each layer as NNI would at this moment."""
    own = {name: scores[name].flatten().double().cpu().numpy() for name in group.layers if name in scores}
    removals = {name: int(len(group.classes[name]) * ratios[name] + 1e-6) for name in own}
    gone = group.chosen(own, removals)
    for name in own:
        for mask in masks[name].values():
            stays = torch.from_numpy(~np.isin(group.classes[name], list(gone))).to(mask)
            mask.copy_(stays.reshape(-1, *[1] * (mask.dim() - 1)).expand_as(mask))


def _masked(group: ChannelGroup, masks: Masks) -> set[int]:
    return {
        int(each)
        for name, classes in group.classes.items()
        if name in masks
        for each in classes[_is_zero(masks[name]["weight"])]
    }


def _is_zero(mask: Tensor) -> Any:
    return ~mask.flatten(1).any(dim=1).cpu().numpy()


def _ratio(removed: int, of: int) -> float:
    """Give the share of which NNI takes the whole part: 29 / 50 of 50 is 28.999… to it."""
    ratio = removed / of
    return ratio if int(of * ratio) == removed else nextafter(ratio, 1.0)
