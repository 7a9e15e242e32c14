"""A network of torchvision by name."""

from difflib import get_close_matches
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Architecture, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class TorchvisionModel(Architecture):
    """Builds a classification network of torchvision for the classes of the study, untrained.

    Attributes:
        model: Its name, such as ``resnet18`` or ``mobilenet_v3_small``.
    """

    name: ClassVar[str] = "torchvision"

    model: Annotated[str, Field(pattern=r"^\w+$", examples=["resnet18"])]

    def fingerprint(self) -> str:
        """Name the version of torchvision, whose networks change with it."""
        return version("torchvision")

    def build(self, context: StageContext) -> "nn.Module":
        """Look the network up and build it.

        Raises:
            InfeasibleError: If torchvision has no network of this name.
        """
        from torchvision import models

        known = models.list_models(module=models)
        if self.model not in known:
            nearest = (
                " or ".join(get_close_matches(self.model, known)) or "one that torchvision.models.list_models() has"
            )
            raise InfeasibleError(f"torchvision has no network {self.model!r}; did you mean {nearest}?")
        model: nn.Module = models.get_model(self.model, weights=None, num_classes=context.classes)
        return model
