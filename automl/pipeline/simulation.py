"""Runs a quantized network in torch as its integers would compute it, to check the deployed file against."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from automl.core.image import Normalization
from automl.core.quantization import ActivationQuantization, Quantization
from automl.training.predict import predict


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


@contextmanager
def rounded_outputs(model: nn.Module, quantization: Quantization | None) -> Iterator[None]:
    """Round the outputs of the quantized modules to their grids while the context lasts."""
    outputs = quantization.outputs if quantization is not None else {}
    handles = [
        model.get_submodule(name).register_forward_hook(partial(_round_output, grid=grid))
        for name, grid in outputs.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _round_output(
    _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor, *, grid: ActivationQuantization
) -> Tensor:
    return torch.fake_quantize_per_tensor_affine(output, grid.scale, grid.zero_point, 0, 255)
