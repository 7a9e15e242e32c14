"""Collects what a trial warns of, so that its row says it too: a worker's log is seen by nobody."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_OWN = ("automl", "automl_plugins")


@contextmanager
def noted() -> Iterator[list[str]]:
    """Give a list that the warnings of automl and of the plugins that ship fill while the context lasts.

    A plugin of somebody else is heard where its loggers are named below ``automl_plugins``.
    """
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in _OWN]
    for logger in loggers:
        logger.addHandler(collector)
    try:
        yield collector.notes
    finally:
        for logger in loggers:
            logger.removeHandler(collector)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.notes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append(" ".join(record.getMessage().split()))
