"""Tells apart two versions of code that bear the same version number, as an editable install does."""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path


@cache
def code_version(module: str) -> str:
    """Hash the source of an imported module: of its package, the files beside it, or of the module alone.

    Once a process, which runs the code that it imported whatever happens to the files.

    Args:
        module: Its name, as ``__module__`` has it.

    Returns:
        SHA-256; that of nothing where there is no source.
    """
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if loaded is None or file is None:
        return _digest(())
    path = Path(file)
    return _digest(sorted(path.parent.glob("*.py")) if loaded.__package__ else [path])


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
