"""A technique as a third party ships it: one module, one class, one entry-point line."""

from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from automl.technique import Architecture, Integer, Search, StageContext


class MLP(Architecture):
    """One hidden layer over all pixels.

    Attributes:
        hidden: Units of the hidden layer.
    """

    name: ClassVar[str] = "mlp"
    paper: ClassVar[str] = "Rumelhart et al., Learning representations by back-propagating errors, 1986"

    hidden: Annotated[int, Field(ge=1, le=4096), Search(Integer(low=16, high=64, step=16))] = 32

    def build(self, context: StageContext) -> nn.Module:
        channels, height, width = context.image_shape
        pixels = nn.Linear(channels * height * width, self.hidden)
        return nn.Sequential(nn.Flatten(), pixels, nn.ReLU(), nn.Linear(self.hidden, context.task.outputs))
