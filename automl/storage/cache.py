"""Results by the hash of all that made them, shared by the studies of a store and bounded in size."""

import hashlib
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

from pyarrow.fs import FileInfo

from automl.storage.folder import TEMPORARY, Folder
from automl.storage.key_locks import FileLocks, KeyLocks, NoLocks

_FOLDER = ".cache"
_ENTRY = ".entry"
_USED = ".used"
_EVICTION = "eviction"
_MAGIC = b"automl-cache-1\n"
_HEADER_BYTES = len(_MAGIC) + hashlib.sha256().digest_size

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheFolder:
    """The folder ``<root>/.cache/``: one file an entry, and an empty one whose time says when it was last used.

    Attributes:
        folder: Where entries are.
        limit_bytes: What they may take together.
        locks: Says who makes, reads or deletes an entry.
    """

    folder: Folder
    limit_bytes: int
    locks: KeyLocks

    @classmethod
    def at(cls, root: str, *, limit_bytes: int, locks: KeyLocks | None = None) -> Self:
        """Open the cache of a store; it need not exist.

        Args:
            root: Local path, or a URI that pyarrow.fs opens.
            limit_bytes: What the entries may take together.
            locks: Needed where several processes share a folder that is not local; local ones lock files.

        Raises:
            StoreError: If no filesystem answers to the URI.
        """
        folder = Folder.at(root).child(_FOLDER)
        if locks is None:
            locks = NoLocks() if folder.local_path is None else FileLocks(folder.local_path / TEMPORARY)
        return cls(folder, limit_bytes, locks)

    def keys(self) -> frozenset[str]:
        """List the keys of all entries.

        Raises:
            StoreError: If the folder cannot be listed.
        """
        return frozenset(name.removesuffix(_ENTRY) for name in self.folder.files("") if name.endswith(_ENTRY))

    def has(self, key: str) -> bool:
        """Say whether there is an entry; another process may delete it at any time."""
        return self.folder.child(f"{key}{_ENTRY}").exists()

    def held(self, key: str) -> AbstractContextManager[bool]:
        """Hold a key while its entry is made or read: nobody else makes it, reads it or deletes it."""
        return self.locks.held(key)

    def read(self, key: str) -> bytes | None:
        """Read an entry, and note that it was used; hold the key.

        Returns:
            None where there is none, or none that is whole: that one is deleted, with a warning.

        Raises:
            StoreError: If it is there and cannot be read.
        """
        data = self.folder.read(f"{key}{_ENTRY}")
        if data is None:
            return None
        content = data[_HEADER_BYTES:]
        if data[:_HEADER_BYTES] != _header(content):
            self.discard(key, reason="it is torn, or of another version")
            return None
        self.folder.touch(f"{key}{_USED}")
        return content

    def write(self, key: str, content: bytes) -> None:
        """Write an entry, and make room for it; hold the key.

        Raises:
            StoreError: If it cannot be written.
        """
        if len(content) + _HEADER_BYTES > self.limit_bytes:
            _logger.warning(
                "a result of %d bytes is larger than the cache, and is not kept; raise --cache-size", len(content)
            )
            return
        self.folder.replace(f"{key}{_ENTRY}", _header(content) + content)
        self.folder.touch(f"{key}{_USED}")
        with self.locks.held(_EVICTION):
            self._evict(kept=key)
            self.folder.sweep(as_of=f"{key}{_ENTRY}")

    def discard(self, key: str, *, reason: str) -> None:
        """Delete an entry that is of no use, with a warning; hold the key."""
        name = f"{key}{_ENTRY}"
        _logger.warning("the cache entry %s/%s cannot be used, and is made again: %s", self.folder.path, name, reason)
        files = self.folder.files("")
        if name in files:
            self._delete(key, files)

    def _evict(self, *, kept: str) -> None:
        """Delete what was not used for longest until the rest is within the limit, passing over what is in use."""
        files = self.folder.files("")
        sizes = {name.removesuffix(_ENTRY): info.size for name, info in files.items() if name.endswith(_ENTRY)}
        excess = sum(sizes.values()) - self.limit_bytes
        for key in sorted(sizes.keys() - {kept}, key=lambda key: (_last_used_ns(files, key), key)):
            if excess <= 0:
                return
            with self.locks.held(key, wait=False) as is_free:
                if is_free:
                    self._delete(key, files)
                    excess -= sizes[key]

    def _delete(self, key: str, files: dict[str, FileInfo]) -> None:
        for name in (f"{key}{_ENTRY}", f"{key}{_USED}"):
            if name in files:
                self.folder.delete_file(name, unless_changed_since=files[name])


def _header(content: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(content).digest()


def _last_used_ns(files: dict[str, FileInfo], key: str) -> int:
    used = files.get(f"{key}{_USED}") or files[f"{key}{_ENTRY}"]
    return int(used.mtime_ns or 0)  # a filesystem may keep no times
