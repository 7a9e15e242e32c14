"""Converts a deployed file for another runtime, and lets it pass only if it answers as it did before."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.errors import ConversionError
from automl.export.native_codes import with_native_codes
from automl.measure.agreement import Agreement
from automl.measure.answers import predict
from automl.measure.runtime_faults import answering_for
from automl.measure.targets import runtime_of
from automl.runtime import ONNX_FILE, Runtime
from automl.task import Task

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


def convert(model: bytes, runtime: str, *, images: NDArray[np.uint8], task: Task) -> Converted:
    """Convert a file, and run both on the same images.

    Args:
        model: The content of an ONNX file.
        runtime: The name of what shall open the result.
        images: Real ones, shape (N, C, H, W).
        task: Says which answers are the same.

    Raises:
        UsageError: If there is no such runtime, or it is not installed.
        ConversionError: If the network cannot be converted, or the answers differ, saying by how much.
    """
    target = Target(device=runtime)
    with tempfile.TemporaryDirectory(prefix="automl-convert-") as scratch:
        source = Path(scratch) / ONNX_FILE
        source.write_bytes(model)
        opened = deploy(source, target)
        expected = predict(source, images, batch_size=_BATCH)
        agreement = _agreement(expected, predict(opened, images, target=target), task, runtime)
        if not agreement.is_close:
            raise ConversionError(
                f"{runtime} does not compute what ONNX Runtime does: {agreement}; nothing was written: "
                "deploy model.onnx, or export another trial"
            )
        files = {name: opened.with_name(name).read_bytes() for name in runtime_of(target).files}
        return Converted(files, agreement)


class DeployedLogits(NamedTuple):
    """Answers of one network, each of the shape (N, K).

    Attributes:
        of_target: Of what the target's user opens, so many images a run as the target states.
        of_file: Of the ONNX file in ONNX Runtime on the processor.
    """

    of_target: NDArray[np.float32]
    of_file: NDArray[np.float32]


def deploy(source: Path, target: Target) -> Path:
    """Write what the runtime of a target opens, beside the ONNX file that it is made from.

    Returns:
        What the runtime is given: the ONNX file itself where the runtime opens that.

    Raises:
        UsageError: If the runtime is not installed.
        ConversionError: If the network cannot be converted.
    """
    return write_for(runtime_of(target), source)


def write_for(runtime: Runtime, source: Path) -> Path:
    """Write what a runtime opens; see ``deploy``."""
    if not runtime.is_converted:
        return source
    model = source.read_bytes()
    if runtime.narrowest_weight_bits > 1:
        model = with_native_codes(model, narrowest_bits=runtime.narrowest_weight_bits)
    with answering_for(runtime, "write"):
        runtime.write(model, source.parent)
    for name in runtime.files:
        if not source.with_name(name).is_file():
            raise ConversionError(f"{runtime.title} was to write {name}, and did not; deploy model.onnx")
    return source.with_name(runtime.files[0])


def deployed_logits(source: Path, target: Target, images: NDArray[np.uint8], task: Task) -> DeployedLogits:
    """Run what ``deploy`` wrote, whose answers may differ from those of the ONNX file by rounding alone.

    Args:
        source: The ONNX file.
        target: What it was deployed for.
        images: Shape (N, C, H, W), with N at least 1.
        task: Says which answers are the same.

    Raises:
        ConversionError: If the answers are those of another network, saying how far off they are.
    """
    logits = predict(source.with_name(runtime_of(target).files[0]), images, target=target)
    if target.is_reference:
        return DeployedLogits(logits, logits)
    on_processor = predict(source, images, batch_size=_BATCH)
    agreement = _agreement(on_processor, logits, task, target.device)
    if not agreement.is_rounding:  # the score is that of these answers, whichever they are
        raise ConversionError(
            f"target {target} does not compute what ONNX Runtime does on the processor: {agreement}; "
            "leave what this point adds out of the space, or search with --target cpu"
        )
    return DeployedLogits(logits, on_processor)


def _agreement(expected: NDArray[np.float32], found: NDArray[np.float32], task: Task, runtime: str) -> Agreement:
    """Compare the answers of ONNX Runtime with those of another.

    Raises:
        ConversionError: If they are not as many.
    """
    if found.shape != expected.shape:
        raise ConversionError(
            f"{runtime} gives answers of the shape {found.shape} to {len(expected)} images, where ONNX Runtime gives "
            f"{expected.shape}; deploy model.onnx"
        )
    return Agreement.of(expected, found, task)
