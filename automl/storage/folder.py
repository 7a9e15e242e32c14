"""A folder on any filesystem in which a file is there whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

from automl.errors import StoreError
from automl.storage.system_lock import NoLocksError, lock_file

TEMPORARY = ".tmp"
"""Where files grow before they are renamed; no name in it ends in a suffix that a reader looks for."""

_OBJECT_STORES = ("s3", "gcs", "abfs")
_ABANDONED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Folder:
    """A folder, local or behind a URI.

    On an object store a file appears when its upload ends. Elsewhere it grows under a temporary name, is
    fsynced where it is local, and is then renamed.
    """

    filesystem: FileSystem
    path: str

    @classmethod
    def at(cls, root: str) -> Self:
        """Open a local path or a URI such as ``s3://bucket/trials``; it need not exist.

        Raises:
            StoreError: If no filesystem answers to the URI.
        """
        if "://" not in root:
            return cls(LocalFileSystem(), str(Path(root).expanduser().absolute()))
        with explained("open", root):
            filesystem, path = FileSystem.from_uri(root)
        return cls(filesystem, path.rstrip("/"))

    def child(self, name: str) -> Self:
        """Give a folder within this one."""
        return type(self)(self.filesystem, self._at(name))

    @property
    def local_path(self) -> Path | None:
        """The real path; None where the folder is not on this machine."""
        return Path(self.path) if isinstance(self.filesystem, LocalFileSystem) else None

    def exists(self) -> bool:
        """Say whether there is anything at this path."""
        with explained("look at", self.path):
            return bool(self.filesystem.get_file_info(self.path).type != FileType.NotFound)

    def replace(self, name: str, data: bytes) -> None:
        """Put a whole file in place of what was there.

        Raises:
            StoreError: If it cannot be written; what was there stays.
        """
        target = self._at(name)
        with explained("write", target):
            if self.filesystem.type_name in _OBJECT_STORES:
                self._write(target, data)
                return
            grown = f"{self._at(TEMPORARY)}/{uuid.uuid4().hex}"
            for path in (grown, target):
                self.filesystem.create_dir(path.rpartition("/")[0], recursive=True)
            try:
                self._write(grown, data)
                self._sync(grown)
                self.filesystem.move(grown, target)
            except BaseException:
                with suppress(OSError):
                    self.filesystem.delete_file(grown)
                raise
            self._sync(target.rpartition("/")[0])

    def read(self, name: str) -> bytes | None:
        """Read a whole file; None where there is none.

        Raises:
            StoreError: If it is there and cannot be read.
        """
        path = self._at(name)
        missing = suppress(FileNotFoundError, NotADirectoryError)
        with explained("read", path), missing, self.filesystem.open_input_file(path) as file:
            data: bytes = file.read()
            return data
        return None

    def touch(self, name: str) -> None:
        """Make the time of an empty file now, by the filesystem's own clock; it is made in a folder that exists.

        Raises:
            StoreError: If it cannot be written.
        """
        path = self._at(name)
        with explained("write", path):
            self._write(path, b"")

    def files(self, name: str) -> dict[str, FileInfo]:
        """List the files of a folder within this one, by name; none where there is no such folder."""
        return {info.base_name: info for info in self._list(self._at(name)) if info.is_file}

    def folders(self) -> list[str]:
        """List the folders within this one, in order."""
        return sorted(info.base_name for info in self._list(self.path) if info.type == FileType.Directory)

    def delete_file(self, name: str, *, unless_changed_since: FileInfo) -> None:
        """Delete a file that is still the one that was listed."""
        path = self._at(name)
        with explained("delete", path), suppress(FileNotFoundError):
            info = self.filesystem.get_file_info(path)
            if (info.mtime_ns, info.size) == (unless_changed_since.mtime_ns, unless_changed_since.size):
                self.filesystem.delete_file(path)

    def age_seconds(self, name: str) -> float | None:
        """Say how long ago a file was written, by the filesystem's own clock; None where there are no times.

        Raises:
            StoreError: If nothing can be written beside it.
        """
        probe = f"{TEMPORARY}/{uuid.uuid4().hex}"
        self.replace(probe, b"")
        with explained("look at", self._at(name)):
            now, written = self.filesystem.get_file_info([self._at(probe), self._at(name)])
            self.filesystem.delete_file(self._at(probe))
        if written.mtime is None or now.mtime is None:
            return None
        return float((now.mtime - written.mtime).total_seconds())

    def delete(self) -> None:
        """Delete the folder and all within; a folder that is not there is no error."""
        with explained("delete", self.path), suppress(FileNotFoundError):
            self.filesystem.delete_dir(self.path)

    def sweep(self, *, as_of: str) -> None:
        """Delete temporary files that a killed process left more than an hour before ``as_of`` was written.

        Args:
            as_of: A file of this folder: its time is by the filesystem's own clock, which hosts share.
        """
        with explained("sweep", self.path), suppress(FileNotFoundError):
            now = self.filesystem.get_file_info(self._at(as_of)).mtime
            for info in self._list(self._at(TEMPORARY)):
                if info.is_file and info.extension != "lock" and now - info.mtime > _ABANDONED_AFTER:
                    self.filesystem.delete_file(info.path)

    @contextmanager
    def locked(self, name: str) -> Iterator[bool]:
        """Hold a lock that one process at a time has, on all hosts whose file system says so.

        Yields:
            Whether it is held; False where the folder is not local, or its file system has no locks.

        Raises:
            StoreError: If the folder cannot be written.
        """
        if self.local_path is None:
            yield False
            return
        path = self.local_path / TEMPORARY / f"{name}.lock"
        with explained("lock", str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a")
        with file:
            is_locked = True
            with explained("lock", str(path)):
                try:
                    lock_file(file)
                except NoLocksError:
                    is_locked = False
            yield is_locked

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}".rstrip("/")

    def _list(self, path: str) -> list[FileInfo]:
        with explained("list", path):
            infos: list[FileInfo] = self.filesystem.get_file_info(FileSelector(path, allow_not_found=True))
        return infos

    def _write(self, path: str, data: bytes) -> None:
        with self.filesystem.open_output_stream(path, compression=None) as stream:
            stream.write(data)

    def _sync(self, path: str) -> None:
        if self.local_path is None:
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def explained(action: str, path: str) -> Iterator[None]:
    """Turn what a filesystem raises into a StoreError that names the path and the reason."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        code = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(code) if code else " ".join(str(error).split())
        raise StoreError(
            f"cannot {action} {path}: {reason}; check the path, its permissions and the free "
            "space, or choose another with --store"
        ) from error
