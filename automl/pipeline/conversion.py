"""Converts a deployed file for another runtime, and hands it out only if it answers as it did before."""

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.errors import ConversionError
from automl.export.executorch_writer import run_executorch, write_executorch
from automl.export.openvino_writer import run_openvino, write_openvino
from automl.measure.accuracy import predict
from automl.measure.agreement import Agreement


class Runtime(StrEnum):
    """What can open a network beside ONNX Runtime."""

    OPENVINO = "openvino"
    EXECUTORCH = "executorch"


_WRITE = {Runtime.OPENVINO: write_openvino, Runtime.EXECUTORCH: write_executorch}
_RUN = {Runtime.OPENVINO: run_openvino, Runtime.EXECUTORCH: run_executorch}


@dataclass(frozen=True)
class Converted:
    """A network for another runtime.

    Attributes:
        files: Content by name; the one that the runtime opens comes first.
        agreement: With ONNX Runtime, on the images that were given.
    """

    files: dict[str, bytes]
    agreement: Agreement


def convert(model: bytes, runtime: Runtime, *, images: NDArray[np.uint8]) -> Converted:
    """Convert a file, and run both on the same images.

    Args:
        model: The content of an ONNX file.
        runtime: What shall open the result.
        images: Real ones, shape (N, C, H, W).

    Raises:
        UsageError: If the runtime is not installed.
        ConversionError: If the network cannot be converted, or the answers differ, saying by how much.
    """
    with tempfile.TemporaryDirectory(prefix="automl-convert-") as scratch:
        source = Path(scratch) / "source.onnx"
        source.write_bytes(model)
        written = _WRITE[runtime](model, Path(scratch))
        agreement = Agreement.of(predict(source, images), _RUN[runtime](written[0], images))
        if not agreement.is_close:
            raise ConversionError(
                f"{runtime} does not compute what ONNX Runtime does: {agreement}; nothing was written: "
                "deploy model.onnx, or export another trial"
            )
        return Converted({file.name: file.read_bytes() for file in written}, agreement)
