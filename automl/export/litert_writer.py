"""Writes a deployed network for LiteRT (formerly TensorFlow Lite), and runs what was written."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from automl.core.distribution import install_line
from automl.errors import UsageError


def write_litert(model: bytes, folder: Path) -> list[Path]:
    """Write ``model.tflite``, which takes one image a call, channels last as cameras give them.

    Codes of weights take a byte each, whatever their width: narrower ones would run without int8 kernels.

    Args:
        model: The content of an ONNX file from uint8 images to logits.
        folder: It must exist.

    Raises:
        UsageError: If ai-edge-litert is not installed.
        ConversionError: If the network has an operator that cannot be converted.
    """
    try:
        import ai_edge_litert  # noqa: F401 # what follows needs it
    except ImportError as error:
        raise UsageError(f"LiteRT is not installed; {install_line('litert')}") from error
    from automl.export.litert.translation import translate

    path = folder / "model.tflite"
    path.write_bytes(translate(onnx.load_from_string(model)))
    return [path]


def run_litert(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the logits, shape (N, classes), for images of the shape (N, C, H, W)."""
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(path), num_threads=1).get_signature_runner()
    pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return np.concatenate([network(image=pixels[index : index + 1])["logits"] for index in range(len(pixels))])
