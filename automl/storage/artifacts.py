"""The checksums of an artifact's files, which tell whether they are still those that the trial wrote."""

import hashlib
from collections.abc import Mapping

from automl.errors import StoreError


def checksums(files: Mapping[str, bytes]) -> str:
    """List the SHA-256 of files as ``sha256sum`` does.

    >>> checksums({"recipe.json": b"{}"})
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  recipe.json'
    """
    return "\n".join(f"{_sha256(files[name])}  {name}" for name in sorted(files))


def check_files(files: Mapping[str, bytes], sums: str, *, folder: str) -> None:
    """Refuse files that are not those of the checksums; one that has no checksum passes.

    Args:
        files: Content by name.
        sums: What ``checksums`` gave when the files were written.
        folder: Where the files are, for messages.

    Raises:
        StoreError: If a file is missing or another, naming it.
    """
    remedy = "restore it from a copy of the store, or run the trial again in another study"
    for line in sums.splitlines():
        expected, _, name = line.partition("  ")
        if name not in files:
            raise StoreError(f"{folder}/{name} is missing; {remedy}")
        found = _sha256(files[name])
        if found != expected:
            raise StoreError(
                f"{folder}/{name} is not the file that the trial wrote (its SHA-256 is {found[:12]}…, not "
                f"{expected[:12]}…), so that the figures of the trial are not those of this file; {remedy}"
            )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
