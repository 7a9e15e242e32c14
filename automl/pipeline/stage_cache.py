"""Keeps what stages make, so that a second trial that shares its first stages pays only for what differs."""

import io
import logging
import pickle
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

import torch

from automl.errors import StoreError
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.paused_fit import PausedFit
from automl.storage.cache import CacheFolder

_UNREADABLE = (
    pickle.UnpicklingError,
    AttributeError,
    ImportError,
    EOFError,
    IndexError,
    KeyError,
    RuntimeError,
    ValueError,
    TypeError,
)

_UNWRITABLE = (pickle.PicklingError, AttributeError, RuntimeError, TypeError, ValueError, StoreError)
"""What comes out of pickling a network that somebody wrote; torch itself raises RuntimeError for one that computes its
weights."""

_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result", CompressedModel, PausedFit)


class StageCache(Protocol):
    """Gives back what an equal stage made before."""

    def has(self, key: str) -> bool:
        """Say whether a result is there; it may be gone when it is read."""
        ...

    def held(self, key: str) -> AbstractContextManager[object]:
        """Hold a key while its result is read or made: whoever else needs it waits, and then reads it."""
        ...

    def read(self, key: str, kind: type[_Result], device: torch.device) -> _Result | None:
        """Give a new copy of a result of this kind, on the device; None where there is none; hold the key."""
        ...

    def write(self, key: str, result: CompressedModel | PausedFit) -> None:
        """Keep a result; hold the key."""
        ...


class NoCache:
    """Keeps nothing: every stage is run."""

    def has(self, key: str) -> bool:  # noqa: ARG002 # the protocol's
        """Have nothing."""
        return False

    def held(self, key: str) -> AbstractContextManager[object]:  # noqa: ARG002 # the protocol's
        """Hold nothing: nobody waits."""
        return nullcontext()

    def read(self, key: str, kind: type[_Result], device: torch.device) -> None:
        """Give nothing."""

    def write(self, key: str, result: CompressedModel | PausedFit) -> None:
        """Keep nothing."""


class FolderCache:
    """Keeps networks in the cache folder of a store. What cannot be read is made again, and only costs time.

    Reading unpickles, and so runs what the entry says: a store is as trusted as the code of its techniques.

    Args:
        folder: Where entries are.
    """

    def __init__(self, folder: CacheFolder) -> None:
        self._folder = folder

    def has(self, key: str) -> bool:
        """Say whether a result is there."""
        return self._folder.has(key)

    def held(self, key: str) -> AbstractContextManager[object]:
        """Hold a key, on every machine."""
        return self._folder.held(key)

    def read(self, key: str, kind: type[_Result], device: torch.device) -> _Result | None:
        """Load a result; one that cannot be loaded is deleted, with a warning."""
        try:
            content = self._folder.read(key)
        except StoreError as error:
            _logger.warning("a result is made again: %s", error)
            return None
        if content is None:
            return None
        try:
            result = torch.load(io.BytesIO(content), map_location=device, weights_only=False)
        except _UNREADABLE as error:
            self._folder.discard(key, reason=f"{type(error).__name__}: {error}")
            return None
        if not isinstance(result, kind):
            self._folder.discard(key, reason=f"it holds a {type(result).__name__}")
            return None
        return result

    def write(self, key: str, result: CompressedModel | PausedFit) -> None:
        """Keep a result; one that cannot be kept costs the time to make it again, with a warning."""
        content = io.BytesIO()
        try:
            torch.save(result, content)
            self._folder.write(key, content.getvalue())
        except _UNWRITABLE as error:
            _logger.warning("a result is not kept for other trials: %s", error)
