"""Ends a search cleanly, whichever way it is told to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Which signal ended a search, if any did.

    Attributes:
        signal: The last one that came; SIGINT, Ctrl-C, where none of the others did.
    """

    def __init__(self) -> None:
        self.signal = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130, 143 or 129."""
        return 128 + self.signal

    def end(self, number: int, _: FrameType | None = None) -> None:
        """Do as on Ctrl-C, which every part of a search knows to obey.

        Raises:
            KeyboardInterrupt: Where Ctrl-C itself is ignored, as in what a shell script runs in the background.
        """
        self.signal = signal.Signals(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)


@contextmanager
def endings_as_interrupts() -> Iterator[Ending]:
    """Take SIGTERM and SIGHUP for Ctrl-C; what was told to ignore one, as by nohup, still does."""
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, ending.end)
    try:
        yield ending
    finally:
        for number in heeded:
            signal.signal(number, before[number])
