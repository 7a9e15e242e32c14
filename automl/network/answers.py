"""Compares what two networks answer to the same images: the proof that a rewrite changed nothing."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

COMPARED_IMAGES = 24
"""Images that a comparison runs: some dozen, so that it costs a trial next to nothing."""

_ROUNDING = 1e-5
"""Share of their own size by which float32 logits may move when the same sums are added up in another order."""


def answers(model: nn.Module, images: Tensor) -> NDArray[np.float32]:
    """Give the logits of a network in evaluation mode, in which it is left.

    Args:
        model: From images to logits, on the device of the images.
        images: Normalised, shape (N, C, H, W), float32.

    Returns:
        Shape (N, classes).
    """
    with torch.no_grad():
        logits: NDArray[np.float32] = model.eval()(images).float().cpu().numpy()
    return logits


def answer_gap(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Say how far two sets of logits lie apart, as a share of how much the expected ones vary from image to image.

    What all images have in common, such as the bias of the last layer, does not count as variation: beside it, the
    answers of an untrained network would all look alike.

    >>> logits = np.array([[0.0, 2.0], [2.0, 0.0]], np.float32)
    >>> answer_gap(logits, logits + np.array([[0.5, 0.0], [0.5, 0.0]], np.float32))
    0.35...

    Args:
        expected: Shape (N, classes).
        found: Of the same shape, for the same images.

    Returns:
        Root mean square of the differences over the standard deviation of the expected logits of a class, 0 where
        rounding in float32 explains the differences, infinite where only one of the two is finite.
    """
    before, after = expected.astype(np.float64), found.astype(np.float64)
    if not np.isfinite(before).all() or not np.isfinite(after).all():
        return 0.0 if np.array_equal(before, after, equal_nan=True) else float("inf")
    difference = float(np.sqrt(((after - before) ** 2).mean())) - _ROUNDING * float(np.abs(before).max(initial=0.0))
    spread = float(np.sqrt(((before - before.mean(axis=0)) ** 2).mean())) or float(np.abs(before).max(initial=0.0))
    return max(0.0, difference) / (spread or 1.0)
