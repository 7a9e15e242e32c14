"""Converts a deployed file for another runtime, and lets it pass only if it answers as it did before."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.errors import ConversionError
from automl.export.executorch_writer import run_executorch, write_executorch
from automl.export.litert_writer import run_litert, write_litert
from automl.export.openvino_writer import write_openvino
from automl.measure.accuracy import predict
from automl.measure.agreement import Agreement


class Runtime(StrEnum):
    """What can open a network beside ONNX Runtime."""

    OPENVINO = "openvino"
    EXECUTORCH = "executorch"
    LITERT = "litert"


_WRITE = {Runtime.OPENVINO: write_openvino, Runtime.EXECUTORCH: write_executorch, Runtime.LITERT: write_litert}
_RUN: dict[Runtime, Callable[[Path, NDArray[np.uint8]], NDArray[np.float32]]] = {
    Runtime.OPENVINO: partial(predict, target=Target(device="openvino")),
    Runtime.EXECUTORCH: run_executorch,
    Runtime.LITERT: run_litert,
}


_BATCH = 250
"""Images a run where the answers, not the batch of a user, are asked for."""


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
        agreement = Agreement.of(predict(source, images, batch_size=_BATCH), _RUN[runtime](written[0], images))
        if not agreement.is_close:
            raise ConversionError(
                f"{runtime} does not compute what ONNX Runtime does: {agreement}; nothing was written: "
                "deploy model.onnx, or export another trial"
            )
        return Converted({file.name: file.read_bytes() for file in written}, agreement)


class DeployedLogits(NamedTuple):
    """Answers of one network, each of the shape (N, classes).

    Attributes:
        of_target: Of what the target's user opens, so many images a run as the target states.
        of_file: Of the ONNX file in ONNX Runtime on the processor.
    """

    of_target: NDArray[np.float32]
    of_file: NDArray[np.float32]


def deploy(source: Path, target: Target) -> Path:
    """Write what the runtime of a target opens, beside the ONNX file that it is made from.

    Returns:
        What the runtime is given: the ONNX file itself, but for OpenVINO.

    Raises:
        UsageError: If the runtime is not installed.
        ConversionError: If the network cannot be converted.
    """
    return write_openvino(source.read_bytes(), source.parent)[0] if target.device == "openvino" else source


def deployed_logits(source: Path, target: Target, images: NDArray[np.uint8]) -> DeployedLogits:
    """Run what ``deploy`` wrote, whose answers may differ from those of the ONNX file by rounding alone.

    Args:
        source: The ONNX file.
        target: What it was deployed for.
        images: Shape (N, C, H, W), with N at least 1.

    Raises:
        ConversionError: If the answers are those of another network, saying how far off they are.
    """
    logits = predict(source.with_name(target.files[0]), images, target=target)
    if target.device == "cpu":
        return DeployedLogits(logits, logits)
    on_processor = predict(source, images, batch_size=_BATCH)
    agreement = Agreement.of(on_processor, logits)
    if not agreement.is_rounding:  # accuracy is that of these answers, whichever they are
        raise ConversionError(
            f"target {target} does not compute what ONNX Runtime does on the processor: {agreement}; "
            "leave what this point adds out of the space, or search with --target cpu"
        )
    return DeployedLogits(logits, on_processor)
