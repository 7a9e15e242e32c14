"""What the distillers that ship share: how much the teacher counts, and the way to NNI."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from automl.technique import Distiller, Fit, Real, Search, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl_plugins.distillers._distillation import Lesson


class LayerwiseDistiller(Distiller):
    """Adds the distance between answers of student and teacher, to the same images, to the loss.

    Attributes:
        weight: Share of the teacher in the loss; the labels have the rest.
    """

    weight: Annotated[float, Field(gt=0, le=1), Search(Real(low=0.1, high=0.9, step=0.1))] = 0.5

    @abstractmethod
    def lesson(self) -> "Lesson":
        """Say which NNI distiller compares what."""

    def distill(self, teacher: "nn.Module", context: StageContext) -> Fit:
        """Give a fit that trains through NNI's distiller."""
        from automl_plugins.distillers._distillation import distilling_fit

        return distilling_fit(self.lesson(), teacher, context)
