"""What the pruners that remove whole channels share: their hyperparameters and the way to a smaller network."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from automl.technique import Epochs, Profile, Pruner, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from collections.abc import Mapping

    from torch import nn

    from automl_plugins.nni.compression import Masks, Refine


class ChannelPruner(Pruner):
    """Removes whole output channels: the network gets smaller and faster in every runtime.

    Attributes:
        recovery_epochs: Passes over the training split after the channels are gone.
        recovery_learning_rate: Peak of the schedule of these passes.
        channel_multiple: Channels that stay are rounded to a multiple of this, which kernels like.
    """

    recovery_epochs: Annotated[int, Field(ge=0, le=1000), Epochs()] = 3
    recovery_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005
    channel_multiple: Annotated[int, Field(ge=1, le=64)] = 4

    @abstractmethod
    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:
        """Put the NNI pruner that chooses the channels which ``config`` asks for around a model."""

    def shrunk(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Remove as many channels of each layer as ``prune`` would, whichever."""
        from automl_plugins.pruners._shrinking import shrink_channels

        return shrink_channels(model, sparsity, context.calibration, multiple=self.channel_multiple)

    def asked_channels(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "Mapping[str, float]":
        """Say what the profile leaves of each convolution before it is rounded to a multiple."""
        from automl_plugins.pruners._shrinking import asked_channels

        return asked_channels(model, sparsity, context.calibration)

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:
        """Try on the untrained network whether channels can be removed."""
        from automl_plugins.pruners._shrinking import check_channels

        check_channels(model, sparsity, context.calibration, multiple=self.channel_multiple)

    def prune(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Mask with NNI, remove what is masked, train back; layers that cannot lose channels keep all of them."""
        from automl_plugins.nni.compression import computed_masks
        from automl_plugins.pruners.channels.pruning import prune_channels
        from automl_plugins.pruners.channels.scored_by_nni import by_nni

        def compress(network: "nn.Module", config: list[dict[str, Any]], refine: "Refine") -> "Masks":
            return computed_masks(self.nni_pruner(network, config, context), refine=refine)

        pruned, is_smaller = prune_channels(
            model, sparsity, context.calibration, by_nni(compress), multiple=self.channel_multiple
        )
        if is_smaller and self.recovery_epochs:
            context.fit(pruned, epochs=self.recovery_epochs, learning_rate=self.recovery_learning_rate)
        return pruned
