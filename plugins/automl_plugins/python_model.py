"""A network of the user's own, so that people compress what they already have."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Architecture, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class PythonModel(Architecture):
    """Calls a function of yours that returns a network, with its weights where it has been trained.

    The network is trained further on the study's data before it is compressed: choose ``training.epochs`` and
    ``training.learning_rate`` for fine-tuning.

    Attributes:
        target: The function, as MODULE:CALLABLE; it takes no argument.
    """

    name: ClassVar[str] = "python"

    target: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]

    def build(self, context: StageContext) -> "nn.Module":  # noqa: ARG002 # the function knows its own shape
        """Import and call the function.

        Raises:
            InfeasibleError: If there is no such function, or it gives something else than a network.
        """
        from torch import nn

        module_name, _, name = self.target.partition(":")
        try:
            make = getattr(import_module(module_name), name)
        except (ImportError, AttributeError) as error:
            raise InfeasibleError(f"model {self.target!r} cannot be imported: {error}; is it on PYTHONPATH?") from error
        model = make()
        if not isinstance(model, nn.Module):
            raise InfeasibleError(f"model {self.target!r} gave a {type(model).__name__}, not a torch.nn.Module")
        return model
