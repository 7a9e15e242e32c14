"""Channels whose learned scaling factor shrinks go first."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from automl.technique import Epochs, Profile, StageContext
from automl_plugins.pruners.channel_pruner import ChannelPruner

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class Slim(ChannelPruner):
    """Trains a scaling factor for each output channel under an L1 penalty and removes the smallest.

    Attributes:
        scoring_epochs: Passes over the training split while the factors learn.
        scoring_learning_rate: Peak of the schedule of these passes.
        penalty: Weight of the factors' L1 norm in the loss.
    """

    name: ClassVar[str] = "slim"
    paper: ClassVar[str] = "Liu et al., Learning Efficient Convolutional Networks through Network Slimming, 2017"

    scoring_epochs: Annotated[int, Field(ge=1, le=1000), Epochs()] = 3
    scoring_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    penalty: Annotated[float, Field(gt=0, le=100)] = 0.1

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:
        """Try whether these channels can be removed, and look for something to train."""
        from automl_plugins._frozen import check_some_learn

        super().check(model, sparsity, context)
        check_some_learn(model, self.name, "l1_norm")

    def nni_pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext) -> Any:
        """Train the factors with NNI's SlimPruner."""
        from automl_plugins.nni.compression import SlimPruner, training_evaluator

        trainer = training_evaluator(model, context, learning_rate=self.scoring_learning_rate)
        steps = self.scoring_epochs * context.steps_per_epoch
        return SlimPruner(model, config, trainer, training_steps=steps, regular_scale=self.penalty)
