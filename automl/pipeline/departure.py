"""Finds the layer at which a deployed network first departs from the simulated one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import Quantization
from automl.export.tapped import tapped_graph
from automl.onnx_session import open_session
from automl.pipeline.simulation import rounded_outputs
from automl.training.predict import predict

_IMAGES = 64
_STEPS = 1.5
"""Rounding may fall to either side of a half, so values one step apart are no departure."""
_SHARE = 0.005


def first_departure(
    model: nn.Module, quantization: Quantization, images: NDArray[np.uint8], normalization: Normalization
) -> str | None:
    """Name the first module whose deployed output is more than a step off for one value in 200.

    Args:
        model: On the CPU, its weights on their grids.
        quantization: Of the model.
        images: Real ones, shape (N, C, H, W); a few of them are run.
        normalization: Turns their pixels into numbers.

    Returns:
        The module's name; None where all agree, so that only what follows the last quantized tensor differs.
    """
    images = images[:_IMAGES]
    tapped = tapped_graph(
        model, image_shape=ImageShape(*images.shape[1:]), normalization=normalization, quantization=quantization
    )
    if not tapped.tensors:
        return None
    session = open_session(tapped.content)
    deployed = session.run(list(tapped.tensors.values()), {session.get_inputs()[0].name: images})
    simulated = _simulated(model, quantization, images, normalization)
    for name, values in zip(tapped.tensors, deployed, strict=True):
        steps = np.abs(values - simulated[name]) / quantization.outputs[name].scale
        if np.mean(steps > _STEPS) > _SHARE:
            return name
    return None


def _simulated(
    model: nn.Module, quantization: Quantization, images: NDArray[np.uint8], normalization: Normalization
) -> dict[str, NDArray[np.float32]]:
    seen: dict[str, NDArray[np.float32]] = {}
    with rounded_outputs(model, quantization), _kept_outputs(model, quantization, seen):
        predict(model, images, normalization=normalization, device=torch.device("cpu"))
    return seen


@contextmanager
def _kept_outputs(model: nn.Module, quantization: Quantization, seen: dict[str, NDArray[np.float32]]) -> Iterator[None]:
    handles = [
        model.get_submodule(name).register_forward_hook(partial(_keep_output, name=name, seen=seen))
        for name in quantization.outputs
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _keep_output(
    _module: nn.Module,
    _inputs: tuple[Tensor, ...],
    output: Tensor,
    *,
    name: str,
    seen: dict[str, NDArray[np.float32]],
) -> None:
    seen.setdefault(name, output.detach().numpy().copy())  # a module that runs twice is compared where it first ran
