"""From a sparsity a group of layers to how many channels each layer loses."""

from collections.abc import Mapping, Sequence

from torch import nn

from automl.technique import Profile

Removals = Mapping[str, int]
"""How many output channels each convolution of a group is to lose, by name."""


def group_removals(
    model: nn.Module, groups: Sequence[Sequence[str]], sparsity: Profile, *, multiple: int
) -> list[Removals]:
    """Say how many channels each layer is to lose.

    Args:
        model: Has the layers.
        groups: Names of convolutions that share one sparsity, in the order of the forward pass.
        sparsity: Share of channels to remove, sampled once a group, first to last.
        multiple: Channels that stay are rounded to a multiple of this.

    Returns:
        One value a group.
    """
    removals: list[Removals] = []
    for names, share in zip(groups, sparsity.values(len(groups)), strict=True):
        widths = {name: channels(model, name) for name in names}
        removals.append({name: width - kept_channels(width, share, multiple) for name, width in widths.items()})
    return removals


def channels(model: nn.Module, name: str) -> int:
    """Count the output channels of a convolution."""
    width: int = model.get_submodule(name).out_channels  # type: ignore[assignment] # a convolution has it
    return width


def kept_channels(channels: int, share: float, multiple: int) -> int:
    """Round the channels that stay to a multiple, at least one multiple, at most all; a share of zero takes none.

    >>> [kept_channels(32, share, 4) for share in (0.0, 0.3, 0.99)]
    [32, 24, 4]
    """
    if not share:
        return channels
    kept = round(channels * (1 - share) / multiple) * multiple
    return min(max(kept, multiple), channels)
