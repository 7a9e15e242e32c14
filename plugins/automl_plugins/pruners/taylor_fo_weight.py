"""Channels that the loss would miss least go first."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import Profile, StageContext
from automl_plugins.pruners.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class TaylorFOWeight(ChannelPruner):
    """Removes the output channels whose removal changes the loss least, to the first order of a Taylor series.

    Attributes:
        scoring_steps: Training batches over which the importance is summed.
        scoring_learning_rate: Peak of the schedule of these steps.
    """

    name: ClassVar[str] = "taylor_fo_weight"
    paper: ClassVar[str] = "Molchanov et al., Importance Estimation for Neural Network Pruning, 2019"

    scoring_steps: Annotated[int, Field(ge=1, le=100_000)] = 20
    scoring_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:
        """Try whether these channels can be removed, and look for weights whose gradient says nothing."""
        from torch import nn

        from automl_plugins._frozen import check_weights_learn

        super().check(model, sparsity, context)
        check_weights_learn(model, self.name, (nn.Conv2d,))

    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:
        """Sum the importance of the weights while NNI's TaylorPruner trains."""
        from automl_plugins.nni.compression import TaylorPruner, training_evaluator

        trainer = training_evaluator(model, context, learning_rate=self.scoring_learning_rate)
        return TaylorPruner(model, config, trainer, training_steps=self.scoring_steps)
