"""Channels with the smallest Euclidean norm go first."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.pruners.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class L2Norm(ChannelPruner):
    """Removes the output channels whose weights have the smallest L2 norm."""

    name: ClassVar[str] = "l2_norm"
    paper: ClassVar[str] = "Li et al., Pruning Filters for Efficient ConvNets, 2017"

    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:  # noqa: ARG002 # others train
        """Take NNI's L2NormPruner at its word."""
        from automl_plugins.nni.compression import L2NormPruner

        return L2NormPruner(model, config)
