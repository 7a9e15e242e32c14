"""Says of each installed runtime whether this host can run it, and what it lacks where it cannot."""

from automl.errors import AutomlError
from automl.measure.runtime import check_host
from automl.registry import RUNTIME
from automl.runtime import Runtime


def runtimes_here() -> str:
    """Open a small network in every runtime that can be a target; of the others, look for what they need.

    A runtime that this host has not is none of its faults: only who chooses it must install something. Plugins that
    cannot be imported are left out: they are told of with those of other kinds.
    """
    here, lacking, broken = [], [], RUNTIME.broken()
    for name, plugin in RUNTIME.installed().items():
        if name in broken:
            continue
        reason = _what_it_lacks(runtime := plugin.load()())
        if reason is None:
            versions = ", ".join(f"{each} {version}" for each, version in runtime.versions().items())
            here.append(f"{name} ({versions})" if versions else name)
        else:
            lacking.append(f"{name} ({reason})")
    return f"{', '.join(here) or 'none'}; not here: {', '.join(lacking)}" if lacking else ", ".join(here)


def _what_it_lacks(runtime: Runtime) -> str | None:
    try:
        runtime.versions()
        if runtime.is_timed:
            check_host(runtime)
    except ImportError:  # one of its distributions is not installed
        return runtime.install or f"install {' and '.join(runtime.distributions)}"
    except AutomlError as error:
        return str(error)
    return None
