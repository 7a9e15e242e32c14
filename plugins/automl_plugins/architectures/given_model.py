"""A network that a Python program hands over as an object, in place of the name of a function."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Architecture, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn


class GivenModel(Architecture):
    """Takes the network that ``automl.search(model=network)`` was given, with its weights.

    The network is trained further on the study's data before it is compressed, as that of ``python`` is.

    Attributes:
        network: Its class and the beginning of the SHA-256 of its structure, its code and its weights.
    """

    name: ClassVar[str] = "given"
    answers_in_units: ClassVar[bool] = True

    network: Annotated[str, Field(pattern=r"^\w+-[0-9a-f]{16}$", examples=["MyNetwork-0123456789abcdef"])]

    def build(self, context: StageContext) -> "nn.Module":  # noqa: ARG002 # the network knows its own shape
        """Copy the network; weights in half or double precision become float32.

        Raises:
            InfeasibleError: If this process was given no such network.
        """
        from automl.network.handed_over import handed_over

        network = handed_over(self.network)
        if network is None:
            raise InfeasibleError(
                f"the network {self.network!r} was handed over by a Python program, and this process has none such: "
                "give it again, as in automl.open_study(NAME, model=network)"
            )
        return network.float()
