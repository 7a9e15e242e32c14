"""Quantization parameters: what a quantizer decided, in the terms in which a runtime computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WeightQuantization:
    """Symmetric quantization of a weight, one scale an output channel, zero point 0.

    A code ``q`` in ``-(2**(bits-1) - 1) … 2**(bits-1) - 1`` stands for ``q * scale[channel]``.

    Attributes:
        bits: Width of a code, 2 to 8.
        scale: One positive scale an output channel.
    """

    bits: int
    scale: tuple[float, ...]


@dataclass(frozen=True)
class ActivationQuantization:
    """Asymmetric quantization of a whole activation tensor to 8 unsigned bits.

    A code ``q`` in ``0 … 255`` stands for ``(q - zero_point) * scale``.
    """

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Quantization:
    """The quantization of a network whose batch normalisation is folded.

    Attributes:
        weights: By the name of the convolution or linear layer.
        outputs: By the name of the module whose output is quantized.
    """

    weights: Mapping[str, WeightQuantization] = field(default_factory=dict)
    outputs: Mapping[str, ActivationQuantization] = field(default_factory=dict)
