"""A process that only measures: it imports no torch, trains nothing, and ends with the one that started it."""

import os
import socket
import subprocess
import sys
import weakref
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.errors import AutomlError, MeasureError

if TYPE_CHECKING:  # the runtimes are imported where they measure
    from automl.core.latency import Latency
    from automl.metric import Deployed, Measurement

    Answer = Latency | dict[str, float] | AutomlError


class MeasuringProcess:
    """Asks a process of its own for measurements; it is started when it is first needed, and after it died.

    Args:
        state_dir: Of the reference model.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._running: _Running | None = None

    def measure(self, path: Path, images: NDArray[np.uint8], target: Target) -> "Latency":
        """Time one file; see ``time_file``.

        Raises:
            AutomlError: What the measurement raised.
            MeasureError: If the process died.
        """
        return cast("Latency", self._ask((path, images, target), f"ran {path.name} for target {target}"))

    def measure_alone(self, measurement: "Measurement", deployed: "Deployed") -> dict[str, float]:
        """Measure a metric; see ``automl.measure.alone``.

        Raises:
            MeasureError: Naming the metric; or if the process died.
        """
        return cast("dict[str, float]", self._ask((measurement, deployed), f"measured {measurement.name}"))

    def _ask(self, question: tuple[object, ...], what: str) -> "Latency | dict[str, float]":
        if self._running is None:
            self._running = _Running(self._state_dir)
            weakref.finalize(self, self._running.end)
        running, answer = self._running, None
        try:
            answer = running.ask(question)
        except (EOFError, OSError) as error:
            code = running.end()
            ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise MeasureError(
                f"the process that measures ended {ended} while it {what}; the next measurement gets a new process"
            ) from error
        finally:
            if answer is None:  # an answer that comes later would be taken for that of the next question
                running.end()
                self._running = None
        if isinstance(answer, AutomlError):
            raise answer
        return answer


class _Running:
    """The process while it runs, and the line to it."""

    def __init__(self, state_dir: Path) -> None:
        ours, its = socket.socketpair()
        command = [sys.executable, "-P", "-m", __name__, str(its.fileno()), str(state_dir)]
        with its:
            self._process = subprocess.Popen(  # noqa: S603 # of this interpreter
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C is for the one that started it
            )
        self._connection = Connection(ours.detach())

    def ask(self, question: tuple[object, ...]) -> "Answer":
        self._connection.send(question)
        answer: Answer = self._connection.recv()
        return answer

    def end(self) -> int:
        """End the process, whatever it does, and give its exit code."""
        self._connection.close()
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait()


def serve(connection: Connection, state_dir: Path) -> None:
    """Measure what is asked for, until nobody is there to ask."""
    from automl.measure.alone import measure_alone
    from automl.measure.reference import Reference
    from automl.measure.timing import time_file

    reference = Reference(state_dir)
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        answer: Answer
        try:
            measure = time_file if isinstance(question[0], Path) else measure_alone
            answer = measure(*question, reference=reference)
        except AutomlError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 # the one who asked raises it
            answer = MeasureError(f"{type(error).__name__}: {error}")
        connection.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
