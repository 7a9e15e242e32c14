"""What a plugin of any kind says of itself: its words, and what its contract lets it declare."""

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TypeGuard

from automl.core.value import Value
from automl.plugins import Plugin

Fact = bool | int | float | str | tuple[str, ...]


class PluginDescription(Value):
    """One plugin.

    Attributes:
        kind: Such as ``sampler``.
        name: As a user writes it.
        summary: One sentence.
        description: All that its author says, arguments and attributes apart.
        paper: Authors, title, year; empty where there is none.
        distribution: The package that ships it, with its version.
        facts: What it declares of what its contract names, such as the unit of a metric.
    """

    kind: str
    name: str
    summary: str
    description: str
    paper: str
    distribution: str
    facts: dict[str, Fact]


def describe_plugin(plugin: Plugin[object]) -> PluginDescription:
    """Import a plugin, and read its description off its class.

    Raises:
        PluginError: If it cannot be used.
    """
    found = plugin.load()
    text = inspect.cleandoc(found.__doc__ or "")
    for heading in ("Args:", "Attributes:"):
        text = text.partition(heading)[0].strip()
    return PluginDescription(
        kind=plugin.kind.name,
        name=plugin.name,
        summary=text.partition("\n\n")[0].replace("\n", " "),
        description=text,
        paper=getattr(found, "paper", ""),
        distribution=plugin.distribution,
        facts=dict(_facts(found, plugin.kind.base)),
    )


def _facts(found: type[object], base: type[object]) -> Iterator[tuple[str, Fact]]:
    """Give the class variables of the contract that are printable, and the fields of those that are values."""
    ours = [part for part in base.__mro__ if part.__module__.startswith("automl.")]
    parts = [part for part in reversed(found.__mro__) if issubclass(part, base) or part in ours]
    declared = dict.fromkeys(name for part in parts for name in _own(part))
    for name in declared:
        value = getattr(found, name, None)
        if is_dataclass(value) and not isinstance(value, type):
            own = {each.name: getattr(value, each.name) for each in fields(value) if each.name != "name"}
            yield from ((name, plain) for name, plain in own.items() if _is_plain(plain))
        elif _is_plain(value):
            yield name, value


def _is_plain(value: object) -> TypeGuard[Fact]:
    if isinstance(value, tuple):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, bool | int | float | str)


def _own(part: type[object]) -> list[str]:
    hidden = {"name", "paper"}
    return [name for name in inspect.get_annotations(part) if name not in hidden and name[0] != "_"]
