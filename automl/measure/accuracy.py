"""Says what a deployed file answers, and how often it is right."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state

from automl.core.target import ONE_THREAD, Target
from automl.errors import MeasureError
from automl.measure.runtime import open_network

_RUNTIME_ERRORS = tuple(
    error
    for error in vars(onnxruntime_pybind11_state).values()
    if isinstance(error, type) and issubclass(error, Exception)
)


def predict(
    path: Path, images: NDArray[np.uint8], *, target: Target = ONE_THREAD, batch_size: int = 250
) -> NDArray[np.float32]:
    """Run a file on raw images.

    Args:
        path: What the target's runtime is given: a network from uint8 images to logits.
        images: Shape (N, C, H, W), with N at least 1.
        target: Runtime and threads.
        batch_size: Bounds the memory; it does not change the result.

    Returns:
        Logits, shape (N, classes).

    Raises:
        MeasureError: If the runtime refuses the file, or fails to run it.
    """
    starts = range(0, len(images), batch_size)
    try:
        network = open_network(path, target)
        return np.concatenate([network(images[start : start + batch_size]) for start in starts])
    except _RUNTIME_ERRORS as error:
        reason = " ".join(str(error).split())
        raise MeasureError(f"{path.name} cannot be run for target {target}: {reason}") from error


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Give the share of rows whose largest logit is that of the label, 0 to 1; a row with NaN is wrong.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]], np.float32), np.array([1, 1]))
    0.5
    """
    is_right = (logits.argmax(axis=1) == labels) & ~np.isnan(logits).any(axis=1)
    return float(is_right.mean())
