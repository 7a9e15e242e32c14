"""Small ONNX files as trials write them: one in every form in which weights are stored."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from automl.core.image import Normalization
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.export.onnx_writer import export_onnx
from automl.testing.context import NORMALIZATION, split
from automl.testing.networks import CLASSES, SHAPE
from automl.training.batches import normalize

FORMS = ("float32", "float16", "8 bits", "4 bits", "3 bits", "2 bits", "1 bit")
"""The last four are stored as INT4, in planes of bits, as INT2, and as planes that a table gives values."""


def images() -> NDArray[np.uint8]:
    """Give the images that answers are compared on, shape (n, channels, height, width)."""
    return split().images[:48]


@functools.cache
def deployed_file(form: str) -> bytes:
    """Export a network of two convolutions and a linear layer, the same at every call.

    Args:
        form: One of ``FORMS``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(SHAPE.channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3)
        pixels = 32 * (SHAPE.height // 2 - 2) * (SHAPE.width // 2 - 2)
        model = nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(pixels, CLASSES)).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantization = _quantized(model, form)
        export_onnx(model, path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
        return path.read_bytes()


def _quantized(model: nn.Sequential, form: str) -> Quantization | None:
    """Put the weights on grids in place, and take the ranges of the activations."""
    if form == "float32":
        return None
    if form == "float16":
        model.half().float()
        return Quantization(float_bits=16)
    return quantized_in_place(model, int(form.partition(" ")[0]), images(), NORMALIZATION)


def quantized_in_place(
    model: nn.Sequential, bits: int, pixels: NDArray[np.uint8], normalization: Normalization
) -> Quantization:
    """Put weights on min-max grids, or on two values where one bit is asked, and take the ranges of activations.

    Args:
        model: Convolutions, linear layers and what lies between, in the order in which they run.
        bits: Of each weight.
        pixels: Raw images, shape (N, C, H, W), whose activations the ranges cover.
        normalization: Turns pixels into numbers.
    """
    weights: dict[str, WeightQuantization] = {}
    outputs: dict[str, ActivationQuantization] = {}
    values = normalize(torch.from_numpy(pixels), normalization)
    for name, module in model.named_children():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = module.weight.detach()
            magnitude = weight.flatten(1).abs()
            scale = magnitude.mean(1) if bits == 1 else magnitude.amax(1) / (2 ** (bits - 1) - 1)
            column = scale.reshape(-1, *[1] * (weight.ndim - 1))
            module.weight.data = (weight.sign() if bits == 1 else (weight / column).round()) * column
            weights[name] = WeightQuantization(bits, tuple(scale.tolist()), levels=(-1, 1) if bits == 1 else None)
        values = module(values).detach()
        if isinstance(module, nn.ReLU):
            outputs[name] = ActivationQuantization(float(values.max()) / 255, 0)
    return Quantization(weights, outputs)
