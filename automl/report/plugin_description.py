"""What a plugin of any kind says of itself: its words, and what its contract lets it declare."""

import inspect
from collections.abc import Iterator

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
    """Give the class variables of the contract that the class or its base sets to something printable."""
    declared = dict.fromkeys(name for part in reversed(found.__mro__) if issubclass(part, base) for name in _own(part))
    for name in declared:
        value = getattr(found, name, None)
        if isinstance(value, bool | int | float | str) or (
            isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        ):
            yield name, value


def _own(part: type[object]) -> list[str]:
    hidden = {"name", "paper"}
    return [name for name in inspect.get_annotations(part) if name not in hidden and name[0] != "_"]
