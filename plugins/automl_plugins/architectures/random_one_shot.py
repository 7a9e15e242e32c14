"""A supernet whose batches each train another network."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.architectures.one_shot_net import OneShotNet

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl.technique import Loss


class RandomOneShot(OneShotNet):
    """Inherits from a supernet in which every batch trains a network drawn uniformly: single path one-shot."""

    name: ClassVar[str] = "random_one_shot"
    paper: ClassVar[str] = "Guo et al., Single Path One-Shot Neural Architecture Search with Uniform Sampling, 2020"

    def depths(self) -> tuple[int, ...]:
        """Hold all depths in one supernet."""
        return (2, 3, 4)

    def strategy(self) -> Any:
        """Give NNI's RandomOneShot."""
        from automl_plugins.nni.one_shot import RandomOneShot as NniRandomOneShot

        return NniRandomOneShot()

    def loss(self, supernet: "nn.Module", context: StageContext) -> "Loss":
        """Draw a network for each batch."""
        from automl_plugins.nni.supernet import resampled

        return resampled(supernet, context.loss, seed=context.seed)
