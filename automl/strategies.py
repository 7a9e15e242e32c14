"""Search strategies, found by entry point and imported when first used.

A strategy is any class named by an entry point of the group ``automl.strategies``; there is no list to edit.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from automl.errors import PluginError
from automl.strategy import Strategy

ENTRY_POINT_GROUP = "automl.strategies"


@cache
def strategies() -> dict[str, tuple[EntryPoint, ...]]:
    """List what is installed, by name, importing none of it; two of one name are refused when it is used."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        found.setdefault(entry_point.name, {}).setdefault(entry_point.value, entry_point)
    return {name: tuple(places.values()) for name, places in found.items()}


def strategy_class(name: str) -> type[Strategy]:
    """Import a strategy by a name that ``strategies`` lists.

    Raises:
        PluginError: If two distributions claim the name, or the import fails or gives something else than a
            strategy of this name.
    """
    entry_point, *others = strategies()[name]
    if others:
        claims = " and by ".join(map(_distribution, (entry_point, *others)))
        raise PluginError(f"sampler {name!r} is claimed by {claims}; uninstall one of them")
    sampler = f"sampler {name!r} of {_distribution(entry_point)}"
    try:
        strategy = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{sampler} cannot be imported: {error}; mend that or choose another --sampler") from error
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise PluginError(
            f"{sampler} is {strategy!r}, not a subclass of automl.strategy.Strategy; correct its entry point"
        )
    if getattr(strategy, "name", None) != name:
        raise PluginError(f"{sampler} does not bear that name; set the class variable name to {name!r}")
    return strategy


def _distribution(entry_point: EntryPoint) -> str:
    distribution = entry_point.dist
    return f"{distribution.name} {distribution.version}" if distribution is not None else "an unknown distribution"
