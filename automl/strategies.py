"""The search strategies that are installed: any class named by an entry point of the group ``automl.strategies``."""

from functools import cache
from importlib.metadata import entry_points

from automl import plugins as any_kind
from automl.plugins import Kind, Plugin
from automl.strategy import Strategy

ENTRY_POINT_GROUP = "automl.strategies"

STRATEGY = Kind("sampler", Strategy, "choose another --sampler")


@cache
def strategies() -> dict[str, Plugin[Strategy]]:
    """List what is installed, by name, importing none of it."""
    return any_kind.found(list(entry_points(group=ENTRY_POINT_GROUP)), STRATEGY)


def strategy_class(name: str) -> type[Strategy]:
    """Import a strategy by name.

    Raises:
        PluginError: If the name is unknown or claimed twice, or the import fails or gives something else than a
            strategy of this name.
    """
    return any_kind.chosen(strategies(), name, STRATEGY).load()
