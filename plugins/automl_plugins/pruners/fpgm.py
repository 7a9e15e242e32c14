"""Channels nearest to the geometric median go first: the others can stand in for them."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.pruners.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class FPGM(ChannelPruner):
    """Removes the output channels nearest to the geometric median of their layer."""

    name: ClassVar[str] = "fpgm"
    paper: ClassVar[str] = "He et al., Filter Pruning via Geometric Median, 2019"

    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:  # noqa: ARG002 # others train
        """Take NNI's FPGMPruner at its word."""
        from automl_plugins.nni.compression import FPGMPruner

        return FPGMPruner(model, config)
