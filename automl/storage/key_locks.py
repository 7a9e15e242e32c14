"""One holder of a key at a time, so that of several workers that need the same result one makes it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from automl.storage.folder import explained
from automl.storage.system_lock import lock_file


class KeyLocks(Protocol):
    """Hands out keys to one holder at a time, on all machines that share a folder."""

    def held(self, key: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold a key; a holder that dies holds nothing.

        Args:
            key: Letters, digits and dashes.
            wait: Whether to wait for another holder; give False at once if not.
        """
        ...


class FileLocks:
    """Locks of the file system, for a folder that every holder sees under a path: the system frees a dead one's.

    Args:
        folder: Where lock files come and go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a key.

        Raises:
            StoreError: If the folder cannot be written.
        """
        path = self._folder / f"{key}.lock"
        file = self._locked(path, wait=wait)
        if file is None:
            yield False
            return
        with file:
            try:
                yield True
            finally:  # while it is held: whoever waits for it finds that the name is no longer this file's
                path.unlink(missing_ok=True)

    def _locked(self, path: Path, *, wait: bool) -> IO[str] | None:
        while True:
            with explained("lock", str(path)):
                self._folder.mkdir(parents=True, exist_ok=True)
                file = path.open("w")
                if not lock_file(file, wait=wait):
                    file.close()
                    return None
                if _is_at(path, file):
                    return file
                file.close()


class NoLocks:
    """For a single process: every key is free."""

    @contextmanager
    def held(self, key: str, *, wait: bool = True) -> Iterator[bool]:  # noqa: ARG002 # the protocol's
        """Hold a key that nobody else asks for."""
        yield True


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
