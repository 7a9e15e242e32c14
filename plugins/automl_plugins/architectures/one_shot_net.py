"""What the one-shot architectures share: a supernet that is trained once, and networks that inherit its weights."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import StageContext
from automl_plugins.architectures.conv_net import ConvNet

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl.technique import Loss
    from automl_plugins.architectures.conv_net_space import ConvNetCandidates

_WIDTH_STEP = 8
_KERNELS = (3, 5)


class OneShotNet(ConvNet):
    """A convolutional network that inherits its weights from a supernet and is trained further from there.

    The supernet is trained once a study, in the first trial that needs it, and shared by all of them: a space that
    uses it needs few ``training.epochs``.

    Attributes:
        widest: Channels of the supernet's widest stage; its choices are the multiples of 8 up to it.
        supernet_epochs: Passes over the training split that train the supernet.
        supernet_learning_rate: Peak of the schedule of these passes.
    """

    widest: Annotated[int, Field(ge=8, le=1024)] = 64
    supernet_epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    supernet_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.01

    @abstractmethod
    def depths(self) -> tuple[int, ...]:
        """Give the depths that one supernet holds."""

    @abstractmethod
    def strategy(self) -> Any:
        """Give the NNI strategy that makes the supernet."""

    @abstractmethod
    def loss(self, supernet: "nn.Module", context: StageContext) -> "Loss":
        """Give what the training of the supernet lowers."""

    def build(self, context: StageContext) -> "nn.Module":
        """Take the part of the supernet's weights that belongs to this network.

        Raises:
            InfeasibleError: If a stage is wider than the supernet.
        """
        from automl_plugins.nni.supernet import inherit

        widths = (self.width_1, self.width_2, self.width_3, self.width_4)[: self.depth]
        if max(widths) > self.widest:
            raise InfeasibleError(
                f"a stage of {max(widths)} channels is wider than the supernet of {self.name}, which has "
                f"{self.widest}; raise {self.name}.widest, or narrow the widths"
            )
        network = super().build(context)
        depths = "-".join(map(str, self.depths()))
        name = f"supernet {depths} {self.widest} {self.supernet_epochs} {self.supernet_learning_rate}"
        inherit(network, dict(context.once(name, lambda: self._supernet(context)).state_dict()))
        return network

    def _supernet(self, context: StageContext) -> "nn.Module":
        from automl_plugins.architectures.conv_net_space import ACTIVATIONS, ConvNetCandidates, ConvNetSpace
        from automl_plugins.nni.supernet import trained_supernet

        widths = list(range(_WIDTH_STEP, self.widest + 1, _WIDTH_STEP))
        candidates = ConvNetCandidates(
            depth=list(self.depths()), widths=[widths] * 4, kernel=list(_KERNELS), activation=list(ACTIVATIONS)
        )
        space = ConvNetSpace(context.image_shape, context.task.outputs, candidates)
        supernet = self.strategy().mutate_model(space)
        return trained_supernet(
            supernet,
            self._largest(context, candidates),
            self.loss(supernet, context),
            context,
            epochs=self.supernet_epochs,
            learning_rate=self.supernet_learning_rate,
        )

    def _largest(self, context: StageContext, candidates: "ConvNetCandidates") -> "nn.Module":
        width_1, width_2, width_3, width_4 = map(max, candidates.widths)
        depth = max(candidates.depth)
        largest = ConvNet(depth=depth, width_1=width_1, width_2=width_2, width_3=width_3, width_4=width_4, kernel=5)
        return largest.build(context)
