"""Channels with the smallest absolute weights go first."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.pruners.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class L1Norm(ChannelPruner):
    """Removes the output channels whose weights have the smallest L1 norm."""

    name: ClassVar[str] = "l1_norm"
    paper: ClassVar[str] = "Li et al., Pruning Filters for Efficient ConvNets, 2017"

    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:  # noqa: ARG002 # others train
        """Take NNI's L1NormPruner at its word."""
        from automl_plugins.nni.compression import L1NormPruner

        return L1NormPruner(model, config)
