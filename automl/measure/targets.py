"""Finds the runtime of a target among those that are installed."""

from contextlib import suppress

from automl.core.target import Target
from automl.errors import PluginError, UsageError
from automl.registry import RUNTIME
from automl.runtime import Runtime


def runtime_named(name: str) -> Runtime:
    """Make a runtime.

    Raises:
        PluginError: If the name is unknown or claimed twice, or its class cannot be imported.
    """
    return RUNTIME.load(name)()


def runtime_of(target: Target) -> Runtime:
    """Make the runtime of a target.

    Raises:
        PluginError: If it is not installed, or cannot be imported.
    """
    return runtime_named(target.device)


def target_for_onnx(target: Target) -> Target:
    """Give where the ONNX file of a study runs: its target, or ONNX Runtime where that target's package is gone."""
    try:
        runtime_of(target)
    except PluginError:
        return Target(threads=target.threads)
    return target


def timed_runtimes() -> list[str]:
    """Name the runtimes that can be a target; one that is broken cannot."""
    names = []
    for name, plugin in RUNTIME.installed().items():
        with suppress(PluginError):
            if plugin.load().is_timed:
                names.append(name)
    return names


def read_target(text: str) -> Target:
    """Read a target as a user writes it; see ``Target.parse``.

    Raises:
        UsageError: If the text has another form, or names no runtime that can be timed, or a number is out of range.
        PluginError: If it names a runtime that is broken.
    """
    name = text.partition(":")[0]
    if name in RUNTIME.installed():
        check_timed(runtime_named(name))
    return Target.parse(text, timed_runtimes())


def check_timed(runtime: Runtime) -> None:
    """Refuse a runtime that cannot be a target.

    Raises:
        UsageError: With those that can.
    """
    if not runtime.is_timed:
        raise UsageError(
            f"{runtime.title} cannot be timed from here, so {runtime.name!r} is no target; targets are "
            f"{', '.join(timed_runtimes())}, and `automl export --format {runtime.name}` writes its files"
        )
