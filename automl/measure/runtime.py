"""Runs a deployed file in the runtime of a target."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from automl.core.target import Target
from automl.errors import MeasureError
from automl.measure.openvino_network import compile_for_openvino
from automl.measure.processor import gpu_name
from automl.measure.reference import reference_model
from automl.measure.session import RUNTIME_REFUSALS, open_cuda_session, open_session, refusal

Network = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Gives logits, shape (N, classes), for images of the shape (N, C, H, W)."""


def open_network(model: Path | bytes, target: Target) -> Network:
    """Load a file as its user would; a call is what the user calls, the copies of images and logits included.

    Args:
        model: What the target's runtime is given, see ``Target.files``; or the bytes of an ONNX file.
        target: Runtime and threads.

    Raises:
        UsageError: If this host cannot run the target.
        ConversionError: If OpenVINO cannot run the network.
        MeasureError: If ONNX Runtime cannot load it; a call raises the same where it cannot run it.
    """
    if target.device == "openvino":
        compiled = compile_for_openvino(model, threads=target.threads)
        return lambda images: compiled(images)[0]
    opened = open_cuda_session if target.device == "cuda" else open_session
    session = opened(model, threads=target.threads)
    name = session.get_inputs()[0].name

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            logits: NDArray[np.float32] = session.run(None, {name: images})[0]
        except RUNTIME_REFUSALS as error:
            raise MeasureError(f"ONNX Runtime cannot run the network: {refusal(error)}") from error
        return logits

    return run


def check_target(target: Target) -> None:
    """Refuse a target that this host cannot run, by opening a small model there.

    Raises:
        UsageError: Saying what is missing.
    """
    open_network(reference_model(), target)


def runtime_name(target: Target) -> str:
    """Name the runtime of a target, its version and its GPU: what one was timed with says nothing of another."""
    if target.device == "openvino":
        return f"openvino {version('openvino')}"
    runtime = f"onnxruntime {onnxruntime.__version__}"
    return f"{runtime} {gpu_name()}" if target.device == "cuda" else runtime
