"""What stages hand on: a network, and how it is quantized."""

from dataclasses import dataclass

from torch import nn

from automl.core.quantization import Quantization


@dataclass(frozen=True)
class CompressedModel:
    """A network at the end of its stages, or of the stages so far.

    Attributes:
        model: In evaluation mode. At the end on the CPU, batch normalisation folded, weights on their grid if
            quantized.
        quantization: None where the network stays, or is still, in float.
    """

    model: nn.Module
    quantization: Quantization | None = None
