"""A process that only measures: it imports no torch, trains nothing, and ends with the one that started it."""

import os
import socket
import subprocess
import sys
import weakref
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from automl.core.target import Target
from automl.errors import AutomlError, MeasureError

if TYPE_CHECKING:  # the runtimes are imported where they measure
    from automl.measure.timing import Latency


class MeasuringProcess:
    """Asks a process of its own for measurements; it is started when it is first needed, and after it died.

    Args:
        state_dir: Of the reference model.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._running: _Running | None = None

    def measure(self, path: Path, images: NDArray[np.uint8], target: Target) -> "Latency":
        """Measure one file; see ``time_file``.

        Raises:
            AutomlError: What the measurement raised.
            MeasureError: If the process died.
        """
        if self._running is None:
            self._running = _Running(self._state_dir)
            weakref.finalize(self, self._running.end)
        running, answer = self._running, None
        try:
            answer = running.ask(path, images, target)
        except (EOFError, OSError) as error:
            code = running.end()
            ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise MeasureError(
                f"the process that measures ended {ended} while it ran {path.name} for target {target}; "
                "the next measurement gets a new process"
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

    def ask(self, path: Path, images: NDArray[np.uint8], target: Target) -> "Latency | AutomlError":
        self._connection.send((path, images, target))
        answer: Latency | AutomlError = self._connection.recv()
        return answer

    def end(self) -> int:
        """End the process, whatever it does, and give its exit code."""
        self._connection.close()
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait()


def serve(connection: Connection, state_dir: Path) -> None:
    """Measure what is asked for, until nobody is there to ask."""
    from automl.measure.reference import Reference
    from automl.measure.timing import time_file

    reference = Reference(state_dir)
    while True:
        try:
            path, images, target = connection.recv()
        except EOFError:
            return
        answer: Latency | AutomlError
        try:
            answer = time_file(path, images, target, reference=reference)
        except AutomlError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 # the one who asked raises it
            answer = MeasureError(f"{type(error).__name__}: {error}")
        connection.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
