"""Finds what other packages bring, by entry point, in one manner whatever kind of plugin it is.

Listing imports nothing. A plugin that cannot be used, because its import fails or because two packages claim its name,
is listed all the same, and hurts only who chooses it.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from automl.errors import AutomlError, PluginError, SearchError

Class = TypeVar("Class")
"""What all plugins of one kind derive from."""


@dataclass(frozen=True)
class Kind(Generic[Class]):
    """A kind of plugin: every class that an entry point of its group names.

    Attributes:
        name: One word, such as ``technique``.
        word: What a message calls one.
        group: Of entry points.
        base: The class that each derives from.
        where: How a user chooses another one, such as ``choose another technique``.
        fault: Says what is wrong with a class of this kind, and how to mend it; None where nothing is.
        first: Names that lists begin with, if they are installed; the others follow by their names.
    """

    name: str
    word: str
    group: str
    base: type[Class]
    where: str
    fault: Callable[[type[Class]], str | None] = lambda _plugin: None
    first: tuple[str, ...] = ()

    def installed(self) -> Mapping[str, "Plugin[Class]"]:
        """List what is installed, by name, importing none of it."""
        return _installed(self)

    def chosen(self, name: str) -> "Plugin[Class]":
        """Give a plugin by name, without importing it.

        Raises:
            PluginError: If there is none, with the nearest names.
        """
        plugins = self.installed()
        if name in plugins:
            return plugins[name]
        nearest = get_close_matches(name, plugins, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`automl plugins` lists what is installed"
        raise PluginError(f"unknown {self.word} {name!r}; {hint}")

    def load(self, name: str) -> type[Class]:
        """Import a plugin by name.

        Raises:
            PluginError: If the name is unknown or claimed twice, or the import fails or gives something else than a
                class of this kind and name.
        """
        return self.chosen(name).load()

    @contextmanager
    def answering(self, name: str, fault: type[AutomlError] = SearchError) -> Iterator[None]:
        """Let a plugin answer for what is raised here, whatever it is: it may be anybody's code.

        Args:
            name: Of the plugin.
            fault: What its exceptions become, those of automl apart; the message names the plugin, its package, and
                the line at fault.
        """
        try:
            yield
        except AutomlError:
            raise
        except Exception as error:
            plugin = self.installed().get(name)
            owner = "" if plugin is None else f" of {plugin.distribution}"
            frame = traceback.extract_tb(error.__traceback__)[-1]
            reason = str(error).strip().partition("\n")[0]
            raise fault(
                f"{self.word} {name!r}{owner} raised {type(error).__name__}: {reason} "
                f"({Path(frame.filename).name}, line {frame.lineno}); {self.where}"
            ) from error

    def broken(self) -> dict[str, PluginError]:
        """Import every plugin, and say by name what is wrong with those that cannot be used."""
        faults: dict[str, PluginError] = {}
        for name, plugin in self.installed().items():
            try:
                plugin.load()
            except PluginError as error:
                faults[name] = error
        return faults


@dataclass(frozen=True)
class Plugin(Generic[Class]):
    """A plugin that is installed, whether or not it can be used.

    Attributes:
        name: What a user writes.
        distribution: The package that ships it, with its version.
        entry_point: Where its class is.
        kind: Of the plugin.
        rivals: Other packages that claim the name for something else.
    """

    name: str
    distribution: str
    entry_point: EntryPoint
    kind: Kind[Class]
    rivals: tuple[str, ...] = ()

    def load(self) -> type[Class]:
        """Import the class.

        Raises:
            PluginError: If another package claims the name, or the import fails or gives something else than a class
                of this kind and name.
        """
        if self.rivals:
            claims = " and by ".join((self.distribution, *self.rivals))
            raise PluginError(f"{self.kind.word} {self.name!r} is claimed by {claims}; uninstall one of them")
        named = f"{self.kind.word} {self.name!r} of {self.distribution}"
        try:
            loaded = self.entry_point.load()
        except (Exception, SystemExit) as error:  # somebody else's module may raise anything
            reason = str(error).strip().partition("\n")[0]
            raise PluginError(
                f"{named} cannot be imported: {type(error).__name__}: {reason}; {self._remedy()}, or {self.kind.where}"
            ) from error
        base = self.kind.base
        if not (isinstance(loaded, type) and issubclass(loaded, base)):
            raise PluginError(
                f"{named} is {loaded!r}, not a subclass of {base.__module__}.{base.__qualname__}; "
                "correct its entry point"
            )
        fault = _name_fault(loaded, self.name) or self.kind.fault(loaded) or _abstract_fault(loaded)
        if fault is not None:
            raise PluginError(f"{named} {fault}")
        return loaded

    def _remedy(self) -> str:
        distribution = self.entry_point.dist
        if distribution is None:
            return "reinstall the package that ships it"
        return f"run `pip install --force-reinstall {distribution.name}`, which brings what is missing"


def forget_installed() -> None:
    """Look anew at what is installed the next time that it is asked for."""
    _installed.cache_clear()


@cache
def _installed(kind: Kind[Any]) -> Mapping[str, Plugin[Any]]:
    by_name: dict[str, dict[str, EntryPoint]] = {}
    order = {name: place for place, name in enumerate(kind.first)}
    points = sorted(entry_points(group=kind.group), key=lambda point: (order.get(point.name, len(order)), point.name))
    for entry_point in points:
        by_name.setdefault(entry_point.name, {}).setdefault(entry_point.value, entry_point)  # a place counts once
    plugins = {}
    for name, places in by_name.items():
        first, *others = places.values()
        plugins[name] = Plugin(name, _distribution(first), first, kind, tuple(map(_distribution, others)))
    return plugins


def _name_fault(plugin: type, name: str) -> str | None:
    own = getattr(plugin, "name", None)
    if own is None:
        return f"has no name; set its class variable to {name!r}"
    return None if own == name else f"calls itself {own!r}; give the entry point the same name"


def _abstract_fault(plugin: type) -> str | None:
    missing = ", ".join(sorted(getattr(plugin, "__abstractmethods__", ())))
    return f"lacks {missing}; implement it" if missing else None


def _distribution(entry_point: EntryPoint) -> str:
    distribution = entry_point.dist
    return f"{distribution.name} {distribution.version}" if distribution is not None else "an unknown distribution"
