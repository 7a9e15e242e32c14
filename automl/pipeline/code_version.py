"""Tells apart two versions of code that bear the same version number, as an editable install does."""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path


@cache
def code_version(module: str) -> str:
    """Hash the source of an imported module: of its package, whatever lies in that folder, or of the module alone.

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
    return _digest(sorted(path.parent.rglob("*.py")) if loaded.__package__ else [path])


def plugin_version(module: str) -> str:
    """Hash the source of all that a plugin may share code with: the outermost regular package that it lies in.

    Args:
        module: Where the plugin is defined, as ``__module__`` has it.
    """
    parts = module.split(".")
    packages = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    outermost = next((name for name in packages if getattr(sys.modules.get(name), "__file__", None)), module)
    return code_version(outermost)


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
