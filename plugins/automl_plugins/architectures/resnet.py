"""Residual networks: ResNet-20 to ResNet-110 for small images, ResNet-18 and ResNet-34 for large ones."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from automl.technique import Architecture, Categorical, Integer, Search, StageContext, Width

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class ResNet(Architecture):
    """Stages of residual blocks of two 3x3 convolutions; each stage doubles the width and halves the map.

    Three stages of width 16 with 3 blocks are ResNet-20; four of width 64 with 2 blocks are ResNet-18.

    Attributes:
        stem: ``cifar`` keeps the size of small images; ``imagenet`` takes a quarter of the side of large ones.
        stages: Number of stages.
        blocks: Residual blocks of each stage.
        width: Channels of the first stage.
    """

    name: ClassVar[str] = "resnet"
    paper: ClassVar[str] = "He et al., Deep Residual Learning for Image Recognition, 2016"

    stem: Literal["cifar", "imagenet"] = "cifar"
    stages: Annotated[int, Field(ge=1, le=5), Search(Integer(low=2, high=4))] = 3
    blocks: Annotated[int, Field(ge=1, le=18), Search(Integer(low=1, high=3))] = 3
    width: Annotated[int, Field(ge=4, le=512), Width(), Search(Categorical(choices=(8, 16, 24, 32)))] = 16

    def build(self, context: StageContext) -> "nn.Module":
        """Freeze the NNI model space at these hyperparameters."""
        from automl_plugins.architectures.resnet_space import ResNetCandidates, ResNetSpace

        candidates = ResNetCandidates(stem=self.stem, stages=self.stages, blocks=[self.blocks], width=[self.width])
        space = ResNetSpace(context.image_shape, context.task.outputs, candidates)
        frozen: nn.Module = space.freeze({"blocks": self.blocks, "width": self.width})
        return frozen
