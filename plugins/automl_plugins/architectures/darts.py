"""A supernet that mixes all its choices, by weights that are learned."""

from typing import TYPE_CHECKING, Any, ClassVar

from automl.technique import StageContext
from automl_plugins.architectures.one_shot_net import OneShotNet

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl.technique import Loss


class Darts(OneShotNet):
    """Inherits from a supernet that learns, together with its weights, which widths, kernels and activations help.

    First order: one half of every batch moves the choices, the other the weights. There is one supernet a depth,
    since networks of different depths end in maps of different widths, which cannot be mixed.
    """

    name: ClassVar[str] = "darts"
    paper: ClassVar[str] = "Liu et al., DARTS: Differentiable Architecture Search, 2019"

    def depths(self) -> tuple[int, ...]:
        """Hold the depth of this network alone."""
        return (self.depth,)

    def strategy(self) -> Any:
        """Give NNI's DARTS."""
        from automl_plugins.nni.one_shot import DARTS

        return DARTS()

    def loss(self, supernet: "nn.Module", context: StageContext) -> "Loss":
        """Alternate between choices and weights."""
        from automl_plugins.nni.supernet import alternating

        return alternating(supernet, context.loss, steps=self.supernet_epochs * context.steps_per_epoch)
