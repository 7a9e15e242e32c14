"""Channels nearest to the geometric median go first: the others can stand in for them."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl_plugins._nni import Masks


class FPGM(ChannelPruner):
    """Removes the output channels nearest to the geometric median of their layer."""

    name: ClassVar[str] = "fpgm"
    paper: ClassVar[str] = "He et al., Filter Pruning via Geometric Median, 2019"

    def masks(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> "Masks":  # noqa: ARG002 # others train
        """Take NNI's FPGMPruner at its word."""
        from automl_plugins._nni import FPGMPruner, computed_masks

        return computed_masks(FPGMPruner(model, config))
