"""Measures latency in a process that never trains."""

import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.core.latency import Latency
from automl.core.target import ONE_THREAD, Target
from automl.errors import UsageError
from automl.measure.alone import sendable
from automl.measure.measuring_process import MeasuringProcess
from automl.metric import Deployed, Measurement


class LatencyMeter:
    """Measures latency, one measurement at a time a host.

    A process of its own opens the file: among the remains of networks that a process trained, it runs some percent
    slower, up to a quarter. It starts with the first measurement and ends with this meter.

    A fixed reference model runs before and after each burst of about 4 ms. Bursts count in which it ran
    within 6 % of its best time on this host, until 60 ms are kept. The time is CPU time of the calling
    thread, pinned to one processor where the system allows, around what a user of the runtime calls, the
    copies of inputs and outputs included. With several threads, and on a GPU, it is wall time, which only an
    idle machine gives truly: the final front is measured again on one.

    Args:
        target: The runtime, its threads, and images a run.
        state_dir: Holds the lock and the best time of the reference model, shared by all processes that
            name the same folder; by default one a user of the host.

    Raises:
        UsageError: If the folder cannot be made.
    """

    def __init__(self, target: Target = ONE_THREAD, *, state_dir: Path | None = None) -> None:
        self.target = target
        self.state_dir = state_dir or Path(tempfile.gettempdir()) / f"automl-{os.getuid()}"
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot keep what is known of this host in {self.state_dir}: {error.strerror}; "
                "remove what is in the way, or name another folder for temporary files in TMPDIR"
            ) from error
        self._process = MeasuringProcess(self.state_dir)

    def measure(self, path: Path, *, images: NDArray[np.uint8]) -> Latency:
        """Measure one file.

        Args:
            path: What the target's runtime is given: a network from uint8 images to logits.
            images: At least one, shape (N, C, H, W); repeated, or cut, to the batch of the target.

        Raises:
            UsageError: If this host cannot run the target.
            ConversionError: If the runtime cannot run the network.
            MeasureError: If the runtime refuses the file, or the process that measures dies of it.
        """
        return self._process.measure(path.absolute(), images, self.target)

    def measure_alone(self, measurement: Measurement, deployed: Deployed) -> dict[str, float]:
        """Measure a metric in the same process, while nothing else is measured on this host.

        Args:
            measurement: Of the metric.
            deployed: What is measured.

        Raises:
            MeasureError: Naming the metric; or if the process that measures dies of it.
        """
        return self._process.measure_alone(measurement, sendable(deployed))
