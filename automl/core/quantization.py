"""Quantization parameters: what a quantizer decided, in the terms in which a runtime computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class WeightQuantization:
    """Quantization of a weight to a few integers, one scale an output channel, zero point 0.

    A code ``q`` stands for ``q * scale[channel]``. A file stores which of the codes a weight has, in ``bits`` bits.

    Attributes:
        bits: Width of a stored code, 1 to 8; 2 to 8 where ``levels`` is None.
        scale: One positive scale an output channel.
        levels: The codes that occur, ascending, in -128 … 127, at most ``2**bits``; None for the symmetric grid
            ``-(2**(bits-1) - 1) … 2**(bits-1) - 1``.
    """

    bits: int
    scale: tuple[float, ...]
    levels: tuple[int, ...] | None = None

    @property
    def legal_codes(self) -> tuple[int, ...]:
        """The codes that a weight may have, ascending.

        >>> WeightQuantization(bits=2, scale=(0.1,)).legal_codes
        (-1, 0, 1)
        """
        if self.levels is not None:
            return self.levels
        largest = 2 ** (self.bits - 1) - 1
        return tuple(range(-largest, largest + 1))


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
        float_bits: Width in which a file stores the weights and biases that stay real: 32, or 16, in which case they
            are numbers of half precision. It says nothing of the arithmetic, which is in float32.
    """

    weights: Mapping[str, WeightQuantization] = field(default_factory=dict)
    outputs: Mapping[str, ActivationQuantization] = field(default_factory=dict)
    float_bits: Literal[16, 32] = 32
