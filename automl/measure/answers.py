"""Says what a deployed file answers, and how often it is right."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.target import ONE_THREAD, Target
from automl.measure.runtime import open_network
from automl.measure.runtime_faults import answering_for
from automl.measure.targets import runtime_of


def predict(
    path: Path, images: NDArray[np.uint8], *, target: Target = ONE_THREAD, batch_size: int | None = None
) -> NDArray[np.float32]:
    """Run a file on raw images.

    Args:
        path: What the target's runtime is given: a network from uint8 images to logits.
        images: Shape (N, C, H, W), with N at least 1.
        target: Runtime and threads.
        batch_size: Images a run; by default as many as the target states, so that the answers are those of its user.

    Returns:
        Logits, shape (N, classes).

    Raises:
        MeasureError: If ONNX Runtime refuses the file, or fails to run it.
        ConversionError: If another runtime does.
    """
    runtime, network, step = runtime_of(target), open_network(path, target), batch_size or target.batch
    with answering_for(runtime, "run"):
        return np.concatenate(
            [network(runtime.pixels(images[start : start + step])) for start in range(0, len(images), step)]
        )
