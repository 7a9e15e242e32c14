"""Weights that move towards zero in training go first."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Epochs, Profile, Pruner, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class Movement(Pruner):
    """Learns a score for each weight while training, and sets those that move towards zero to zero.

    The sparsity grows from the first tenth of the steps to the last third.
    Zeros stay in place, so neither the file nor the latency shrinks: this pays where the file is compressed.

    Attributes:
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
        recovery_epochs: Passes under the final mask.
    """

    name: ClassVar[str] = "movement"
    paper: ClassVar[str] = "Sanh et al., Movement Pruning: Adaptive Sparsity by Fine-Tuning, 2020"

    epochs: Annotated[int, Field(ge=1, le=1000), Epochs()] = 6
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005
    recovery_epochs: Annotated[int, Field(ge=0, le=1000), Epochs()] = 3

    def shrunk(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":  # noqa: ARG002
        """Leave the shape: zeros are stored like any other weight."""
        return model

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:  # noqa: ARG002 # any will do
        """Look for weights, and for those that cannot move."""
        from torch import nn

        from automl_plugins._frozen import check_weights_learn
        from automl_plugins.pruners._weights import check_weights

        check_weights(model)
        check_weights_learn(model, self.name, (nn.Conv2d, nn.Linear))

    def prune(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Train with NNI's MovementPruner, then write the zeros into the weights."""
        from automl_plugins.nni.compression import MovementPruner, training_evaluator
        from automl_plugins.pruners._weights import weight_config, zero_weights

        def recover(wrapped: "nn.Module") -> None:
            context.fit(wrapped, epochs=self.recovery_epochs, learning_rate=self.learning_rate)

        config = weight_config(model, sparsity)
        if not config:
            return model
        steps = self.epochs * context.steps_per_epoch
        trainer = training_evaluator(model, context, learning_rate=self.learning_rate)
        pruner = MovementPruner(
            model, config, trainer, warmup_step=steps // 10, cooldown_begin_step=max(steps * 2 // 3, steps // 10 + 1)
        )
        return zero_weights(pruner, steps, None, recover=recover if self.recovery_epochs else None)
