"""Writes the file that is deployed: pixels in, logits out, float or int8, nothing in it that is not needed."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import onnx
from torch import nn

from automl.core.image import ImageShape, Normalization
from automl.core.quantization import ActivationQuantization, Quantization
from automl.export.compact import compact
from automl.export.half_floats import store_halves
from automl.export.qdq import insert_qdq, take_pixels
from automl.export.torch_graph import MarkedGraph, torch_graph
from automl.export.whole_file import write_whole


class GraphSource(Protocol):
    """Turns a network into a float32 graph that the caller may change; see ``torch_graph``."""

    def __call__(self, model: nn.Module, image_shape: ImageShape, /, *, marked: Collection[str] = ()) -> MarkedGraph:
        """Export ``model``, and find the outputs of the modules named in ``marked``."""
        ...


def export_onnx(
    model: nn.Module,
    path: Path,
    *,
    image_shape: ImageShape,
    normalization: Normalization,
    quantization: Quantization | None,
) -> None:
    """Write a network as an ONNX file from ``image``, uint8 (n, C, H, W), to ``logits``, float32 (n, classes).

    Args:
        model: Takes normalised float32 images, with batch normalisation folded; it is left as it is.
        path: Replaced at once when the file is whole; its folder must exist.
        image_shape: Shape of one image.
        normalization: Becomes the first node of the file, and the quantization of its input.
        quantization: Scales and widths by module; None writes a float32 file.

    Raises:
        InfeasibleError: The quantization does not fit the network; the message names the module.
    """
    content = onnx_bytes(model, image_shape=image_shape, normalization=normalization, quantization=quantization)
    onnx.checker.check_model(content, full_check=True)
    write_whole(path, content)


def onnx_bytes(
    model: nn.Module,
    *,
    image_shape: ImageShape,
    normalization: Normalization,
    quantization: Quantization | None,
    graph: GraphSource = torch_graph,
) -> bytes:
    """Give the content of the file that ``export_onnx`` writes, unchecked.

    Args:
        model: As for ``export_onnx``.
        image_shape: Shape of one image.
        normalization: Of the images.
        quantization: Scales and widths by module; None gives a float32 file.
        graph: Turns the network into a graph.

    Raises:
        InfeasibleError: The quantization does not fit the network; the message names the module.
    """
    image = ActivationQuantization(normalization.scale, normalization.zero_point)
    if quantization is None:
        exported = graph(model, image_shape).model
        take_pixels(exported, image)
    else:
        marked = graph(model, image_shape, marked={**quantization.weights, **quantization.outputs})
        insert_qdq(marked, image, quantization)
        exported = marked.model
        if quantization.float_bits == 16:
            store_halves(exported)
    compact(exported)
    return bytes(exported.SerializeToString())
