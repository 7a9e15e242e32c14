"""The student answers as the teacher does, from features that tell as much."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.technique import Real, Search, StageContext
from automl_plugins.distillers.layerwise_distiller import LayerwiseDistiller

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

    from automl_plugins.distillers._distillation import Lesson


class Adaptive1dLayerwise(LayerwiseDistiller):
    """Draws the logits of the student to the teacher's, and its features, too: what its last layer reads.

    Where the teacher has more features than the student, or fewer, a linear map between them is trained besides.

    Attributes:
        temperature: What logits are divided by before they are compared: the higher, the more unlikely classes count.
            Outputs that are no logits are compared as they are.
        features_weight: How much the mean squared difference of the features counts beside the difference of logits.
    """

    name: ClassVar[str] = "adaptive1d_layerwise"
    paper: ClassVar[str] = "Romero et al., FitNets: Hints for Thin Deep Nets, 2015"

    temperature: Annotated[float, Field(ge=0.1, le=100), Search(Real(low=1.0, high=8.0, log=True))] = 2.0
    features_weight: Annotated[float, Field(ge=0, le=1000), Search(Real(low=1.0, high=100.0, log=True))] = 10.0

    def check(self, model: "nn.Module", context: StageContext) -> None:
        """Refuse a network that does not end with a linear layer over one vector an image."""
        from automl_plugins.distillers._distillation import check_features

        check_features(model, context)

    def lesson(self) -> "Lesson":
        """Compare logits and features through NNI's Adaptive1dLayerwiseDistiller."""
        from automl_plugins.distillers._distillation import Lesson
        from automl_plugins.nni.compression import Adaptive1dLayerwiseDistiller

        return Lesson(
            Adaptive1dLayerwiseDistiller,
            self.weight,
            temperature=self.temperature,
            features_weight=self.features_weight,
        )
