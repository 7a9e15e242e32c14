"""Shows plugins in a terminal of 80 columns: all in a list, or one with its fields and an example."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from automl.core.distribution import DISTRIBUTION
from automl.core.stage import Stage
from automl.registry import KINDS
from automl.report.plugin_description import Fact, PluginDescription
from automl.report.technique_description import FieldDescription, TechniqueDescription

_INDENT = (0, 0, 0, 2)


def plugins_table(
    techniques: Sequence[TechniqueDescription],
    others: Sequence[PluginDescription],
    broken: Sequence[tuple[str, str]],
) -> RenderableType:
    """Show all plugins: the techniques by stage, the others by kind, and those that cannot be used with their reasons.

    Args:
        techniques: Those that can be used.
        others: Plugins of the other kinds that can be used, in the order of their lists.
        broken: Names of those that cannot be used, and why.
    """
    width = max(
        len(name) for name in [*(each.name for each in techniques), *(each.name for each in others), *dict(broken), ""]
    )
    parts: list[RenderableType] = []
    for stage in Stage:
        rows = {
            each.name: Text.assemble(_reflowed(each.summary), (_origin(each), "dim"))
            for each in sorted(techniques, key=lambda each: each.name)
            if each.stage is stage
        }
        parts += _group(f"{stage}s", list(rows.items()), width)
    for kind in KINDS:
        listed = [
            (each.name, Text.assemble(_reflowed(each.summary), (_origin(each), "dim")))
            for each in others
            if each.kind == kind.name
        ]
        parts += _group(f"{kind.word}s", listed, width)
    parts += _group("cannot be used", [(name, Text(reason, style="red")) for name, reason in broken], width)
    return Group(*parts[1:])


def technique_details(technique: TechniqueDescription) -> RenderableType:
    """Show one technique: what it does, its fields, its paper, and a space that uses it."""
    parts: list[RenderableType] = [
        Text.assemble((technique.name, "bold"), f"  {technique.stage}, from {technique.distribution}\n"),
        Text(_reflowed(technique.description)),
    ]
    if technique.paper:
        parts.append(Text(f"\n{technique.paper}", style="italic"))
    width = max((len(field.name) for field in technique.fields), default=0)
    parts += [Text(), *_group("fields", [(field.name, _field_text(field)) for field in technique.fields], width)[1:]]
    parts += [Text("example", style="bold"), Padding(Text(technique.example.rstrip()), _INDENT)]
    return Group(*parts)


def plugin_details(plugin: PluginDescription, word: str) -> RenderableType:
    """Show one plugin of another kind: what it does, its paper, and what it declares.

    Args:
        plugin: What to show.
        word: What its kind is called.
    """
    parts: list[RenderableType] = [
        Text.assemble((plugin.name, "bold"), f"  {word}, from {plugin.distribution}\n"),
        Text(_reflowed(plugin.description)),
    ]
    if plugin.paper:
        parts.append(Text(f"\n{plugin.paper}", style="italic"))
    facts = {name.replace("_", " "): _fact_words(value) for name, value in plugin.facts.items()}
    width = max(map(len, facts), default=0)
    parts += _group("declares", [(name, Text(words)) for name, words in facts.items() if words], width)
    return Group(*parts)


def _fact_words(value: Fact) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _group(title: str, rows: Sequence[tuple[str, Text]], width: int) -> list[RenderableType]:
    """Give an empty line, a title, and a row a name; nothing where there are none."""
    if not rows:
        return []
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True, min_width=width)
    grid.add_column(overflow="fold", ratio=1)
    for name, text in rows:
        grid.add_row(name, text)
    return [Text(), Text(title, style="bold"), Padding(grid, _INDENT)]


def _origin(plugin: TechniqueDescription | PluginDescription) -> str:
    return "" if plugin.distribution.startswith(f"{DISTRIBUTION} ") else f"  from {plugin.distribution}"


def _field_text(field: FieldDescription) -> Text:
    facts = [field.legal, "must be given" if field.is_required else f"default {field.default}"]
    if field.active_if is not None:
        facts.append(f"only where {field.active_if}")
    if field.tried is not None:
        tried = field.tried.described()
        facts.append(f"a search tries {'all' if tried == field.legal else tried}")
    return Text.assemble(_reflowed(field.meaning), "\n", ("; ".join(facts) + "\n", "dim"))


def _reflowed(text: str) -> str:
    """Let the terminal break the lines of each paragraph, and take the marks of code off."""
    paragraphs = text.replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
