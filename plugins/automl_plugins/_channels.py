"""From a sparsity a group of layers to a network with fewer channels."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.technique import Profile
from automl_plugins._nni import Masks, SpeedupError, channel_groups, remove_masked_channels

REMEDY = "leave channel pruning out for this architecture, or prune single weights with 'level'"
_RAISED_BY_NNI = (SpeedupError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What comes out of ModelSpeedup where it meets a module that it does not know; few of these it means."""


def channel_config(model: nn.Module, sparsity: Profile, images: Tensor, *, multiple: int) -> list[dict[str, Any]]:
    """Ask NNI for one sparsity a group of convolutions that must keep the same channels.

    Args:
        model: A network that torch.fx can trace.
        sparsity: Share of channels to remove, sampled once a group, first to last.
        images: A batch (N, C, H, W) to run shapes with.
        multiple: Channels that stay are rounded to a multiple of this.

    Returns:
        NNI's configuration; empty where nothing is to be removed.
    """
    return group_config(model, channel_groups(model, images), sparsity, multiple=multiple)


def asked_channels(model: nn.Module, sparsity: Profile, images: Tensor) -> dict[str, float]:
    """Say how many channels of each convolution a profile leaves before they are rounded, as ``channel_config`` rounds.

    Args:
        model: A network that torch.fx can trace.
        sparsity: As for ``channel_config``.
        images: A batch (N, C, H, W) to run shapes with.

    Returns:
        Channels by convolution, in the order of the network's modules.
    """
    groups = channel_groups(model, images)
    shares = {name: share for group, share in zip(groups, sparsity.values(len(groups)), strict=True) for name in group}
    return {
        name: round(len(module.get_parameter("weight")) * (1 - shares[name]), 6)
        for name, module in model.named_modules()
        if name in shares
    }


def group_config(
    model: nn.Module, groups: Sequence[list[str]], sparsity: Profile, *, multiple: int
) -> list[dict[str, Any]]:
    """Ask as ``channel_config`` does, where the groups are known: names of convolutions, first to last."""
    config: list[dict[str, Any]] = []
    for index, (group, share) in enumerate(zip(groups, sparsity.values(len(groups)), strict=True)):
        channels = len(model.get_submodule(group[0]).get_parameter("weight"))
        removed = channels - kept_channels(channels, share, multiple)
        if removed:
            config.append(
                {"op_names": group, "sparse_ratio": removed / channels, "dependency_group_id": f"group_{index}"}
            )
    return config


def remove_channels(model: nn.Module, masks: Masks, images: Tensor) -> nn.Module:
    """Take the masked channels out of the network.

    Raises:
        InfeasibleError: If NNI does not know a module on the way, or a layer keeps other channels than its mask
            says: layers are tied in a way that NNI does not see.
    """
    asked = {name: _channels_left(mask["weight"]) for name, mask in masks.items()}  # speedup edits the masks
    grouped = [name for name, module in model.named_modules() if _has_groups(module)]
    try:
        pruned = remove_masked_channels(model, masks, images)
    except _RAISED_BY_NNI as error:
        reason = str(error).strip().partition("\n")[0]
        raise InfeasibleError(
            f"NNI cannot take channels out of this network: {type(error).__name__}: {reason}; {REMEDY}"
        ) from error
    for name, channels in asked.items():
        kept = len(pruned.get_submodule(name).get_parameter("weight"))
        if kept != channels:
            reason = f"{grouped[0]!r} is a convolution in groups" if grouped else "they are summed with what keeps them"
            raise InfeasibleError(
                f"layer {name!r} keeps {kept} channels where {channels} were asked: {reason}; {REMEDY}"
            )
    return pruned


def _has_groups(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups not in {1, module.in_channels}


def _channels_left(mask: Tensor) -> int:
    return int(mask.flatten(1).any(dim=1).sum())


def kept_channels(channels: int, share: float, multiple: int) -> int:
    """Round the channels that stay to a multiple, at least one multiple, at most all; a share of zero takes none.

    >>> [kept_channels(32, share, 4) for share in (0.0, 0.3, 0.99)]
    [32, 24, 4]
    """
    if not share:
        return channels
    kept = round(channels * (1 - share) / multiple) * multiple
    return min(max(kept, multiple), channels)
