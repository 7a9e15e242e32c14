"""What the pruners that raise the sparsity little by little share."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from automl.technique import Categorical, Epochs, Profile, Pruner, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from collections.abc import Mapping

    from torch import nn

    from automl_plugins.nni.compression import Masks, Refine

_BASES = ("level", "l1_norm", "l2_norm", "fpgm")


class ScheduledPruner(Pruner):
    """Raises the sparsity in steps while training, each time with a base pruner's choice.

    Attributes:
        base: Chooses what to remove; ``level`` single weights, the others whole channels.
        updates: How many times the sparsity is raised.
        epochs: Passes over the training split, all updates together.
        learning_rate: Peak of the schedule of these passes.
        recovery_epochs: Passes with the final sparsity.
        channel_multiple: Channels that stay are rounded to a multiple of this, which kernels like.
    """

    nni_class: ClassVar[str]

    base: Annotated[Literal["level", "l1_norm", "l2_norm", "fpgm"], Search(Categorical(choices=_BASES))] = "l1_norm"
    updates: Annotated[int, Field(ge=1, le=1000)] = 4
    epochs: Annotated[int, Field(ge=1, le=1000), Epochs()] = 4
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005
    recovery_epochs: Annotated[int, Field(ge=0, le=1000), Epochs()] = 3
    channel_multiple: Annotated[int, Field(ge=1, le=64)] = 4

    def shrunk(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Remove as many channels of each layer as ``prune`` would, whichever; single weights leave the shape."""
        from automl_plugins.pruners._shrinking import shrink_channels

        if self.base == "level":
            return model
        return shrink_channels(model, sparsity, context.calibration, multiple=self.channel_multiple)

    def asked_channels(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "Mapping[str, float]":
        """Say what the profile leaves of each convolution before it is rounded; single weights leave all."""
        from automl_plugins.pruners._shrinking import asked_channels

        return {} if self.base == "level" else asked_channels(model, sparsity, context.calibration)

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:
        """Try on the untrained network whether the base can remove these channels or weights."""
        from automl_plugins._frozen import check_some_learn
        from automl_plugins.pruners._shrinking import check_channels
        from automl_plugins.pruners._weights import check_weights

        if self.base == "level":
            check_weights(model)
        else:
            check_channels(model, sparsity, context.calibration, multiple=self.channel_multiple)
        check_some_learn(model, self.name, self.base)

    def prune(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Train with NNI's scheduled pruner over its base, remove or zero what is masked, train back."""
        from automl_plugins.nni.compression import computed_masks
        from automl_plugins.pruners._weights import weight_config, zero_weights
        from automl_plugins.pruners.channels.pruning import prune_channels
        from automl_plugins.pruners.channels.scored_by_nni import by_nni

        def recover(unfinished: "nn.Module") -> None:
            if self.recovery_epochs:
                context.fit(unfinished, epochs=self.recovery_epochs, learning_rate=self.learning_rate)

        steps = max(self.epochs * context.steps_per_epoch, self.updates)
        if self.base == "level":
            config = weight_config(model, sparsity)
            return (
                zero_weights(self._pruner(model, config, context, steps), steps, None, recover=recover)
                if config
                else model
            )

        def compress(network: "nn.Module", config: list[dict[str, Any]], refine: "Refine") -> "Masks":
            return computed_masks(self._pruner(network, config, context, steps), steps, None, refine=refine)

        pruned, is_smaller = prune_channels(
            model, sparsity, context.calibration, by_nni(compress), multiple=self.channel_multiple
        )
        if is_smaller:
            recover(pruned)
        return pruned

    def _pruner(self, model: "nn.Module", config: list[dict[str, Any]], context: StageContext, steps: int) -> Any:
        from automl_plugins.nni import compression

        bases = {
            "level": compression.LevelPruner,
            "l1_norm": compression.L1NormPruner,
            "l2_norm": compression.L2NormPruner,
            "fpgm": compression.FPGMPruner,
        }
        return getattr(compression, self.nni_class)(
            bases[self.base](model, config),
            interval_steps=steps // self.updates,
            total_times=self.updates,
            evaluator=compression.training_evaluator(model, context, learning_rate=self.learning_rate),
        )
