"""Runs a quantized network in torch as its integers would compute it, to check the deployed file against."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from automl.core.fidelity import EXACT, ROUNDED
from automl.core.image import Normalization
from automl.core.quantization import ActivationQuantization, Quantization
from automl.network.answers import answer_gap
from automl.training.predict import predict

_SMALL_PART = 0.01
"""Of a step: by about so much a bias moves a value when it is rounded to an integer."""

_BY_CHANCE = 2.0
"""Other roundings move the logits by more than those that were tried, but hardly by more than twice as far."""


def simulated_logits(
    model: nn.Module, quantization: Quantization | None, images: NDArray[np.uint8], normalization: Normalization
) -> NDArray[np.float32]:
    """Give the logits of the network with its activations rounded to their grids.

    Args:
        model: On the CPU; its weights lie on their grids already.
        quantization: None for a network in float.
        images: Shape (N, C, H, W).
        normalization: Turns pixels into numbers.

    Returns:
        Shape (N, classes).
    """
    with rounded_outputs(model, quantization):
        return predict(model, images, normalization=normalization, device=torch.device("cpu"))


def explained_gap(
    found: float,
    model: nn.Module,
    quantization: Quantization,
    images: NDArray[np.uint8],
    normalization: Normalization,
) -> float:
    """Give the largest gap between a file and its simulation that rounding explains.

    A runtime that rounds a bias to an integer moves activations by a small part of a step. Some then fall on other
    codes, and so on from layer to layer: in a deep network whose logits hardly vary, as many are before they are
    trained, this is all that is left of the answer. Where a gap is large, it is therefore measured how far the
    simulation moves by such roundings alone.

    Args:
        found: The gap to be explained.
        model: As for ``simulated_logits``.
        quantization: Of the model.
        images: Real ones, shape (N, C, H, W).
        normalization: Turns pixels into numbers.
    """
    if not quantization.outputs:
        return EXACT
    if found <= ROUNDED:
        return ROUNDED
    still = simulated_logits(model, quantization, images, normalization)
    with rounded_outputs(model, quantization, moved_by=_SMALL_PART):
        moved = predict(model, images, normalization=normalization, device=torch.device("cpu"))
    return max(ROUNDED, _BY_CHANCE * answer_gap(still, moved))


@contextmanager
def rounded_outputs(model: nn.Module, quantization: Quantization | None, *, moved_by: float = 0.0) -> Iterator[None]:
    """Round the outputs of the quantized modules to their grids while the context lasts.

    Args:
        model: Is left as it is.
        quantization: None where nothing is rounded.
        moved_by: Steps by which each value is moved at random, at most, before it is rounded.
    """
    chance = torch.Generator().manual_seed(0)
    outputs = quantization.outputs if quantization is not None else {}
    handles = [
        model.get_submodule(name).register_forward_hook(
            partial(_round_output, grid=grid, moved_by=moved_by, chance=chance)
        )
        for name, grid in outputs.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def keep_rounding(model: nn.Module, quantization: Quantization | None) -> list[RemovableHandle]:
    """Round the outputs of the quantized modules to their grids from now on, as the deployed file does.

    Gradients pass where a value lies within its grid, so that the network can be trained further.

    Returns:
        What takes the rounding away again.
    """
    outputs = quantization.outputs if quantization is not None else {}
    return [
        model.get_submodule(name).register_forward_hook(partial(_round_output, grid=grid))
        for name, grid in outputs.items()
    ]


def _round_output(
    _module: nn.Module,
    _inputs: tuple[Tensor, ...],
    output: Tensor,
    *,
    grid: ActivationQuantization,
    moved_by: float = 0.0,
    chance: torch.Generator | None = None,
) -> Tensor:
    if moved_by:
        output = output + (2 * torch.rand(output.shape, generator=chance) - 1) * (moved_by * grid.scale)
    return torch.fake_quantize_per_tensor_affine(output, grid.scale, grid.zero_point, 0, 255)
