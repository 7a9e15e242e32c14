"""What the contract of each stage adds to that of all: how a technique is run, and what it promises."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from torch import nn

from automl.core.image import ImageShape
from automl.core.quantization import Quantization
from automl.technique import Profile, Technique
from automl.testing.networks import Network

Kind_contra = TypeVar("Kind_contra", bound=Technique, contravariant=True)


@dataclass(frozen=True)
class Asked:
    """What is asked of a technique beside its fields.

    Attributes:
        sparsity: Of a pruner.
        weight_bits: Of a quantizer.
        channel_multiple: Channels that stay may be rounded to a multiple of this.
    """

    sparsity: Profile
    weight_bits: Profile
    channel_multiple: int


@dataclass(frozen=True)
class Outcome:
    """What a technique gave back.

    Attributes:
        model: A network.
        quantization: None where it is in float.
        before: The network that the technique was given, as it was; None where it was given none.
        image_shape: Of the images that the network takes.
    """

    model: nn.Module
    quantization: Quantization | None
    before: nn.Module | None
    image_shape: ImageShape


@dataclass(frozen=True)
class Case:
    """Something that a technique is run on.

    Attributes:
        name: Ends the name of the test.
        network: What it is given, or what a built network stands for.
        image_shape: Of the images.
    """

    name: str
    network: Network
    image_shape: ImageShape


class StageContract(Protocol[Kind_contra]):
    """The contract of one stage.

    Attributes:
        cases: What a technique must handle, or refuse before training with a reason; the first it must handle.
        odd_cases: What it may well refuse, but must not fail at.
    """

    cases: tuple[Case, ...]
    odd_cases: tuple[Case, ...]

    def check(self, technique: Kind_contra, case: Case, asked: Asked) -> None:
        """Let the technique refuse a case before any training.

        Raises:
            InfeasibleError: If it does.
        """
        ...

    def apply(self, technique: Kind_contra, case: Case, asked: Asked, *, seed: int) -> Outcome:
        """Run the technique as the pipeline would, on a trained network."""
        ...

    def broken_promises(
        self, technique: Kind_contra, case: Case, outcome: Outcome, path: Path, asked: Asked
    ) -> Iterator[str]:
        """Name what the exported file does not keep of what was asked."""
        ...


def cases_of(*networks: Network, image_shape: ImageShape) -> tuple[Case, ...]:
    """Make a case of each network."""
    return tuple(Case(network.__name__.lower(), network, image_shape) for network in networks)
