"""The student answers as the teacher does."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from automl.technique import ActiveIf, Categorical, Real, Search
from automl_plugins.distillers.layerwise_distiller import LayerwiseDistiller

if TYPE_CHECKING:  # NNI takes seconds to import, and listing the plugins needs none of it
    from automl_plugins.distillers._distillation import Lesson


class DynamicLayerwise(LayerwiseDistiller):
    """Draws the logits of the student to those of the teacher: it learns which classes look alike.

    NNI's distiller takes, for each layer of the student, the nearest of the teacher's layers that are offered to it.
    Here that is the last layer of each: layers within networks of different widths cannot be compared.

    Attributes:
        loss: ``kl`` compares the probabilities, softened by ``temperature``; ``mse`` the logits themselves. Outputs
            that are no logits are always compared by ``mse``, each in its standard deviation.
        temperature: For ``kl``, what logits are divided by: the higher, the more unlikely classes count.
    """

    name: ClassVar[str] = "dynamic_layerwise"
    paper: ClassVar[str] = "Hinton et al., Distilling the Knowledge in a Neural Network, 2015"

    loss: Annotated[Literal["kl", "mse"], Search(Categorical(choices=("kl", "mse")))] = "kl"
    temperature: Annotated[
        float, Field(ge=0.1, le=100), Search(Real(low=1.0, high=8.0, log=True)), ActiveIf("loss", ("kl",))
    ] = 2.0

    def lesson(self) -> "Lesson":
        """Compare logits through NNI's DynamicLayerwiseDistiller."""
        from automl_plugins.distillers._distillation import Lesson
        from automl_plugins.nni.compression import DynamicLayerwiseDistiller

        return Lesson(DynamicLayerwiseDistiller, self.weight, self.loss, self.temperature)
