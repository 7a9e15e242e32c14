"""The techniques that are installed: any class named by an entry point of the group ``automl.plugins``."""

from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points

from automl import plugins as any_kind
from automl.core.stage import Stage
from automl.errors import PluginError
from automl.plugins import Kind, Plugin
from automl.technique import Technique

ENTRY_POINT_GROUP = "automl.plugins"


def _stage_fault(technique: type[Technique]) -> str | None:
    has_stage = hasattr(technique, "stage")
    return None if has_stage else "has no stage; subclass Architecture, Pruner, Quantizer or Distiller"


TECHNIQUE = Kind("technique", Technique, "choose another technique", _stage_fault)


@cache
def plugins() -> dict[str, Plugin[Technique]]:
    """List what is installed, by name, importing none of it."""
    return any_kind.found(list(entry_points(group=ENTRY_POINT_GROUP)), TECHNIQUE)


def broken_plugins() -> dict[str, PluginError]:
    """Import every technique, and say by name what is wrong with those that cannot be used."""
    return any_kind.broken(plugins())


def technique_class(name: str, stage: Stage | None = None) -> type[Technique]:
    """Load a technique by name.

    Args:
        name: As written in a space file.
        stage: The stage that it must belong to; any where absent.

    Raises:
        PluginError: If the name is unknown, of another stage, claimed twice, or cannot be imported.
    """
    technique = any_kind.chosen(plugins(), name, TECHNIQUE).load()
    if stage is not None and technique.stage is not stage:
        raise PluginError(
            f"technique {name!r} is of the stage {technique.stage}, not {stage}; "
            f"techniques of the stage {stage}: {', '.join(_of_stage(stage)) or 'none'}"
        )
    return technique


def _of_stage(stage: Stage) -> list[str]:
    """Name the techniques of a stage; one that is broken is of none."""
    names = []
    for name, plugin in plugins().items():
        with suppress(PluginError):
            if plugin.load().stage is stage:
                names.append(name)
    return names
