"""What a search needs of a machine, checked one by one."""

import os
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from automl.core.distribution import DISTRIBUTION
from automl.core.value import Value
from automl.errors import AutomlError, PluginError, UsageError
from automl.registry import KINDS, TECHNIQUE
from automl.search.versions import library_versions


class Check(Value):
    """One check and what it found."""

    name: str
    is_ok: bool
    finding: str


def checkup(store: str) -> list[Check]:
    """Check libraries, processor, plugins, runtimes and the store.

    Args:
        store: Folder or URI of the trial store.
    """
    return [
        _check("distribution", _distribution),
        _check("libraries", _libraries),
        _check("processor", _processor),
        _check("torch", _torch),
        _check("runtimes", _runtimes),
        _check("plugins", _plugins),
        _check("store", lambda: _store(store)),
    ]


def _check(name: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name=name, is_ok=True, finding=find())
    except (AutomlError, ImportError, OSError, PackageNotFoundError) as error:
        return Check(name=name, is_ok=False, finding=f"{type(error).__name__}: {error}")


def _distribution() -> str:
    """Look for the other project of the name ``automl``, whose package would lie over this one."""
    try:
        other = version("automl")
    except PackageNotFoundError:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    raise UsageError(
        f"another distribution, automl {other}, brings a package of the same name; `pip uninstall automl`, then "
        f"`pip install --force-reinstall {DISTRIBUTION}`"
    )


def _libraries() -> str:
    return ", ".join(f"{library} {version}" for library, version in library_versions().items())


def _processor() -> str:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    kernels = "has int8 dot products (VNNI)" if "vnni" in flags else "no VNNI seen: int8 may not be faster than float32"
    return f"{os.cpu_count()} processors, {kernels}"


def _torch() -> str:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: training runs on the processor"
    return f"torch {torch.__version__}, {gpu}"


def _runtimes() -> str:
    from automl.search.runtime_checkup import runtimes_here

    return runtimes_here()


def _plugins() -> str:
    """Count the plugins; one that only lacks a library of somebody else's is no fault, unless it is a technique."""
    counts = [f"{len(kind.installed())} {kind.word}s" for kind in KINDS if kind.installed()]
    faults = [(kind, error) for kind in KINDS for error in kind.broken().values()]
    lacking = [error for kind, error in faults if kind is not TECHNIQUE and isinstance(error.__cause__, ImportError)]
    broken = [error for _, error in faults if error not in lacking]
    if broken:
        total = sum(len(kind.installed()) for kind in KINDS)
        reasons = ". ".join(map(str, [*broken, *lacking]))
        raise PluginError(f"{len(broken) + len(lacking)} of {total} plugins cannot be used: {reasons}")
    return ". ".join([", ".join(counts), *map(str, lacking)])


def _store(store: str) -> str:
    if "://" in store:
        return f"{store} (written to when a search starts)"
    folder = Path(store).absolute()
    while not folder.exists():
        folder = folder.parent
    with tempfile.TemporaryFile(dir=folder):
        return f"{store} can be written"
