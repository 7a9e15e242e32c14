"""Depthwise-separable networks for phones and microcontrollers."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from automl.technique import Architecture, Categorical, Integer, Search, StageContext, Width

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class MobileNetV2(Architecture):
    """Inverted residuals: each block widens, filters every channel alone, and narrows again.

    Attributes:
        stages: Number of stages; each after the first doubles the width and halves the map.
        blocks: Blocks of each stage.
        width: Channels of the first stage.
        expansion: How many times wider a block is inside.
        kernel: Side of the depthwise window, in pixels.
    """

    name: ClassVar[str] = "mobilenet_v2"
    paper: ClassVar[str] = "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018"

    stages: Annotated[int, Field(ge=1, le=5), Search(Integer(low=2, high=4))] = 3
    blocks: Annotated[int, Field(ge=1, le=8), Search(Integer(low=1, high=3))] = 2
    width: Annotated[int, Field(ge=4, le=256), Width(), Search(Categorical(choices=(8, 16, 24, 32)))] = 16
    expansion: Annotated[int, Field(ge=1, le=8), Search(Categorical(choices=(2, 3, 4, 6)))] = 4
    kernel: Annotated[Literal[3, 5], Search(Categorical(choices=(3, 5)))] = 3

    def build(self, context: StageContext) -> "nn.Module":
        """Freeze the NNI model space at these hyperparameters."""
        from automl_plugins.architectures.mobilenet_v2_space import MobileNetV2Candidates, MobileNetV2Space

        candidates = MobileNetV2Candidates(
            stages=self.stages,
            blocks=[self.blocks],
            width=[self.width],
            expansion=[self.expansion],
            kernel=[self.kernel],
        )
        space = MobileNetV2Space(context.image_shape, context.task.outputs, candidates)
        sample = {"blocks": self.blocks, "width": self.width, "expansion": self.expansion, "kernel": self.kernel}
        frozen: nn.Module = space.freeze(sample)
        return frozen
