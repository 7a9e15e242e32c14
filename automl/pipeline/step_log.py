"""Keeps count of what the steps of one trial took, and of what came from the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

WAIT = "wait"
"""The entry of ``StepLog.seconds`` for results that another worker was making."""


@dataclass
class StepLog:
    """What the steps of a trial took so far.

    Attributes:
        seconds: Wall time of each step, without the time that it waited for other workers: that is in ``wait``.
        cached: Whether each step came from the cache; ``once``, whether all that is made once did; ``teacher``,
            whether the training of the teacher did.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the wall time of the context to a step, without the time that it waited for other workers."""
        started, waited = perf_counter(), self.seconds.get(WAIT, 0.0)
        try:
            yield
        finally:
            took = perf_counter() - started - (self.seconds.get(WAIT, 0.0) - waited)
            self._add(step, took)

    def add_wait(self, seconds: float) -> None:
        """Add time that passed while another worker made a result."""
        self._add(WAIT, seconds)

    def _add(self, step: str, seconds: float) -> None:
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds
