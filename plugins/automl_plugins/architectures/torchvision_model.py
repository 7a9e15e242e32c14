"""A network of torchvision by name."""

from difflib import get_close_matches
from importlib.metadata import version
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Architecture, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class TorchvisionModel(Architecture):
    """Builds a classification network of torchvision for the classes of the study.

    Attributes:
        model: Its name, such as ``resnet18`` or ``mobilenet_v3_small``.
        weights: ``default`` gives the best that torchvision has, all but those of the last layer where the study has
            other classes; torch keeps what it downloads in its hub folder. ``none`` gives an untrained network.
    """

    name: ClassVar[str] = "torchvision"

    model: Annotated[str, Field(pattern=r"^\w+$", examples=["resnet18"])]

    weights: Literal["none", "default"] = "none"

    def fingerprint(self) -> str:
        """Name the version of torchvision, whose networks change with it."""
        return version("torchvision")

    def build(self, context: StageContext) -> "nn.Module":
        """Look the network up and build it.

        Raises:
            InfeasibleError: If torchvision has no network of this name, or its weights cannot be loaded.
        """
        from torchvision import models

        known = models.list_models(module=models)
        if self.model not in known:
            nearest = (
                " or ".join(get_close_matches(self.model, known)) or "one that torchvision.models.list_models() has"
            )
            raise InfeasibleError(f"torchvision has no network {self.model!r}; did you mean {nearest}?")
        if self.weights == "none":
            model: nn.Module = models.get_model(self.model, weights=None, num_classes=context.task.outputs)
            return model
        try:
            trained: nn.Module = models.get_model(self.model, weights="DEFAULT")
        except (OSError, RuntimeError, UnpicklingError) as error:
            raise InfeasibleError(
                f"the weights of {self.model!r} cannot be loaded: {error}; choose torchvision.weights none, or load "
                "them yourself in a function and name it with --model"
            ) from error
        return _with_classes(trained, context.task.outputs)


def _with_classes(model: "nn.Module", classes: int) -> "nn.Module":
    """Put a new last layer in the place of one for other classes."""
    from torch import nn

    name, last = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)][
        -1
    ]
    has_bias = last.bias is not None
    if isinstance(last, nn.Linear) and last.out_features != classes:
        model.set_submodule(name, nn.Linear(last.in_features, classes, bias=has_bias))
    elif isinstance(last, nn.Conv2d) and last.out_channels != classes:  # as in SqueezeNet
        model.set_submodule(name, nn.Conv2d(last.in_channels, classes, kernel_size=1, bias=has_bias))
    return model
