"""A deployed file that is opened when it is first run."""

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.measure.runtime import open_network
from automl.measure.runtime_faults import answering_for
from automl.measure.targets import runtime_of
from automl.runtime import Network


class OpenedFile:
    """Runs a file as its user does: so many images at a time as the target states, from one session.

    Args:
        path: What the target's runtime is given.
        target: Runtime, threads and images a run.
    """

    def __init__(self, path: Path, target: Target) -> None:
        self._path = path
        self._target = target

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the outputs for images of the shape (N, C, H, W), with N at least 1.

        Raises:
            MeasureError: If ONNX Runtime refuses the file, or fails to run it.
            ConversionError: If another runtime does.
        """
        runtime, network, step = runtime_of(self._target), self._network, self._target.batch
        with answering_for(runtime, "run"):
            return np.concatenate(
                [network(runtime.pixels(images[start : start + step])) for start in range(0, len(images), step)]
            )

    @cached_property
    def _network(self) -> Network:
        return open_network(self._path, self._target)
