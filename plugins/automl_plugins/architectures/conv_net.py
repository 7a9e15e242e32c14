"""A plain convolutional network: for small images and small devices."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from automl.technique import ActiveIf, Architecture, Categorical, Integer, Search, StageContext, Width

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

_WIDTHS = Search(Integer(low=8, high=64, step=8))


class ConvNet(Architecture):
    """Two to four convolutions with batch normalisation, global average pooling, a linear classifier.

    Attributes:
        depth: Number of stages, one convolution each; every stage after the first may halve the map.
        width_1: Channels of the first stage.
        width_2: Channels of the second stage.
        width_3: Channels of the third stage.
        width_4: Channels of the fourth stage.
        kernel: Side of every convolution's window, in pixels.
        activation: Activation after every convolution.
    """

    name: ClassVar[str] = "conv_net"
    paper: ClassVar[str] = "LeCun et al., Gradient-based learning applied to document recognition, 1998"

    depth: Annotated[int, Field(ge=2, le=4), Search(Integer(low=2, high=4))] = 3
    width_1: Annotated[int, Field(ge=1, le=1024), Width(), _WIDTHS] = 16
    width_2: Annotated[int, Field(ge=1, le=1024), Width(), _WIDTHS] = 32
    width_3: Annotated[int, Field(ge=1, le=1024), Width(), _WIDTHS, ActiveIf("depth", (3, 4))] = 64
    width_4: Annotated[int, Field(ge=1, le=1024), Width(), _WIDTHS, ActiveIf("depth", (4,))] = 64
    kernel: Annotated[Literal[3, 5], Search(Categorical(choices=(3, 5)))] = 3
    activation: Annotated[
        Literal["relu", "tanh", "gelu", "silu", "hardswish"],
        Search(Categorical(choices=("relu", "tanh", "gelu", "silu", "hardswish"))),
    ] = "relu"

    def build(self, context: StageContext) -> "nn.Module":
        """Freeze the NNI model space at these hyperparameters."""
        from automl_plugins.architectures.conv_net_space import ConvNetCandidates, ConvNetSpace

        widths = (self.width_1, self.width_2, self.width_3, self.width_4)
        candidates = ConvNetCandidates(
            depth=[self.depth], widths=[[width] for width in widths], kernel=[self.kernel], activation=[self.activation]
        )
        space = ConvNetSpace(context.image_shape, context.task.outputs, candidates)
        sample = {"depth": self.depth, "kernel": self.kernel, "activation": self.activation}
        sample |= {f"width_{stage}": width for stage, width in enumerate(widths, start=1)}
        frozen: nn.Module = space.freeze(sample)
        return frozen
