"""From a sparsity a group of layers to a network with fewer channels."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from automl.technique import Profile
from automl_plugins._nni import channel_groups, remove_masked_channels, unwrap

MakePruner = Callable[[nn.Module, list[dict[str, Any]]], Any]


def remove_channels(
    model: nn.Module, sparsity: Profile, images: Tensor, *, make_pruner: MakePruner, multiple: int
) -> nn.Module:
    """Remove the least important channels of every group of convolutions.

    Args:
        model: A network that torch.fx can trace.
        sparsity: Share of channels to remove, sampled once a group, first to last.
        images: A batch (N, C, H, W) to run shapes with.
        make_pruner: Makes the NNI pruner of a model and a configuration.
        multiple: Channels that stay are rounded to a multiple of this.

    Returns:
        The smaller network; ``model`` itself where nothing is to be removed.
    """
    config = _config(model, sparsity, images, multiple)
    if not config:
        return model
    pruner = make_pruner(model.eval(), config)
    _, masks = pruner.compress()
    unwrap(pruner)
    return remove_masked_channels(model, masks, images)


def _config(model: nn.Module, sparsity: Profile, images: Tensor, multiple: int) -> list[dict[str, Any]]:
    groups = channel_groups(model, images)
    config: list[dict[str, Any]] = []
    for index, (group, share) in enumerate(zip(groups, sparsity.values(len(groups)), strict=True)):
        convolution = model.get_submodule(group[0])
        assert isinstance(convolution, nn.Conv2d)  # noqa: S101 # channel_groups names convolutions only
        channels = convolution.out_channels
        removed = channels - kept_channels(channels, share, multiple)
        if removed:
            config.append(
                {"op_names": group, "sparse_ratio": removed / channels, "dependency_group_id": f"group_{index}"}
            )
    return config


def kept_channels(channels: int, share: float, multiple: int) -> int:
    """Round the channels that stay to a multiple, at least one multiple, at most all.

    >>> [kept_channels(32, share, 4) for share in (0.0, 0.3, 0.99)]
    [32, 24, 4]
    """
    kept = round(channels * (1 - share) / multiple) * multiple
    return min(max(kept, multiple), channels)
