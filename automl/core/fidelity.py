"""How true each rewrite of a network is to the network that it rewrites, on the way to the deployed file."""

from collections.abc import Mapping
from enum import StrEnum

EXACT = 1e-3
"""Largest gap that rounding in float32 explains, even after dozens of layers; a wrong rewrite is far beyond it."""

ROUNDED = 0.1
"""Largest gap between two ways to compute the same quantized network: a value that lies on the border of two codes
falls to either side, and all that reads it moves by a step."""


class Transition(StrEnum):
    """A rewrite, in the order in which a trial makes them; the gap is that of the logits to the same real images.

    A gap is the root mean square of the differences over the standard deviation of the logits before the rewrite.
    """

    PLAIN = "plain"
    """Weights that were computed at each call, as by ``weight_norm``, are computed once: exact."""
    PRUNE = "prune"
    """The pruner: weights go, and the network is trained further. It has no bound: accuracy says what it cost."""
    REWRITE = "rewrite"
    """Operators that are written as functions become modules, for a quantizer: exact."""
    FOLD = "fold"
    """Batch normalisation moves into the layer before it: exact."""
    QUANTIZE = "quantize"
    """The quantizer: weights and activations are rounded, perhaps trained further. It has no bound either."""
    EXPORT = "export"
    """From torch, activations rounded to their grids, to the ONNX file: exact in float, rounded where quantized."""
    CONVERT = "convert"
    """From ONNX Runtime on the processor to the runtime of the target: rounded."""


def bound(transition: Transition, *, is_quantized: bool) -> float | None:
    """Give the largest gap that a transition may have.

    Args:
        transition: The rewrite.
        is_quantized: Whether the network has activations on integer grids.

    Returns:
        None where the rewrite means to change the answers.
    """
    match transition:
        case Transition.PRUNE | Transition.QUANTIZE:
            return None
        case Transition.EXPORT:
            return ROUNDED if is_quantized else EXACT
        case Transition.CONVERT:
            return ROUNDED
        case _:
            return EXACT


def first_beyond(gaps: Mapping[Transition, float], *, is_quantized: bool) -> Transition | None:
    """Name the first transition whose gap is larger than its bound; None where there is none.

    >>> first_beyond({Transition.FOLD: 1e-7, Transition.EXPORT: 0.2}, is_quantized=False)
    <Transition.EXPORT: 'export'>
    """
    for transition in Transition:
        limit = bound(transition, is_quantized=is_quantized)
        if limit is not None and not gaps.get(transition, 0.0) <= limit:  # NaN is beyond any bound
            return transition
    return None
