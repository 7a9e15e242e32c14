"""Single weights with the smallest magnitude go first; the shape of the network stays."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Epochs, Profile, Pruner, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class Level(Pruner):
    """Sets the smallest weights of each layer to zero and keeps them there.

    Zeros stay in place, so neither the file nor the latency shrinks: this pays where the file is compressed.

    Attributes:
        recovery_epochs: Passes over the training split under the mask.
        recovery_learning_rate: Peak of the schedule of these passes.
    """

    name: ClassVar[str] = "level"
    paper: ClassVar[str] = "Han et al., Learning both Weights and Connections for Efficient Neural Networks, 2015"

    recovery_epochs: Annotated[int, Field(ge=0, le=1000), Epochs()] = 3
    recovery_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005

    def shrunk(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":  # noqa: ARG002
        """Leave the shape: zeros are stored like any other weight."""
        return model

    def check(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> None:  # noqa: ARG002 # any will do
        """Look for weights."""
        from automl_plugins.pruners._weights import check_weights

        check_weights(model)

    def prune(self, model: "nn.Module", sparsity: Profile, context: StageContext) -> "nn.Module":
        """Mask with NNI, train under the mask, write the zeros into the weights."""
        from automl_plugins.nni.compression import LevelPruner
        from automl_plugins.pruners._weights import weight_config, zero_weights

        def recover(wrapped: "nn.Module") -> None:
            context.fit(wrapped, epochs=self.recovery_epochs, learning_rate=self.recovery_learning_rate)

        config = weight_config(model, sparsity)
        if not config:
            return model
        return zero_weights(LevelPruner(model, config), recover=recover if self.recovery_epochs else None)
