"""Asks a pruner how many channels it is to leave, and of how many."""

from torch import nn

from automl.core.width import AskedWidth
from automl.errors import PluginError
from automl.pipeline.compressed_model import channels
from automl.technique import Profile, Pruner, StageContext


def asked_widths(pruner: Pruner, model: nn.Module, sparsity: Profile, context: StageContext) -> tuple[AskedWidth, ...]:
    """Give the widths that a pruner is asked for, beside those that the network has before it prunes.

    Args:
        pruner: Removes channels; one that does not has no widths.
        model: As trained, before it is pruned.
        sparsity: What the pruner will be given.
        context: What it may use.

    Raises:
        PluginError: If the pruner names a layer that the network does not have.
    """
    widths = []
    for layer, asked in pruner.asked_channels(model, sparsity, context).items():
        before = channels(model, layer)
        if before is None:
            raise PluginError(
                f"pruner {pruner.name!r} says what it is asked to leave of {layer!r}, where the network has no layer; "
                "let asked_channels name modules with a weight as named_modules() does"
            )
        widths.append(AskedWidth(layer=layer, before=before, asked=float(asked)))
    return tuple(widths)
