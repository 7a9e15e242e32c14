"""``automl plugins``: all that is installed, by kind."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.terminal import JsonOption, messages, print_json, results

if TYPE_CHECKING:
    from automl.plugins import Plugin


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plugins)


def plugins(
    name: Annotated[str | None, typer.Argument(help="One plugin, in full.", metavar="[NAME]")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="technique, sampler, metric, runtime, task, dataset or stopping: those alone.", metavar="KIND"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List all plugins that are installed by kind, or describe one: its fields, its paper, an example."""
    if name is None:
        _list(kind, as_json=as_json)
    else:
        _describe(name, kind, as_json=as_json)


def _list(kind: str | None, *, as_json: bool) -> None:
    from automl.errors import PluginError
    from automl.registry import TECHNIQUE
    from automl.report.plugin_description import PluginDescription, describe_plugin
    from automl.report.technique_description import TechniqueDescription, describe_technique
    from automl.report.technique_details import plugins_table

    techniques: list[TechniqueDescription] = []
    others: list[PluginDescription] = []
    broken: list[tuple[Plugin[Any], str]] = []
    for plugin in _installed(kind):
        try:
            if plugin.kind is TECHNIQUE:
                techniques.append(describe_technique(plugin.load(), plugin.distribution))
            else:
                others.append(describe_plugin(plugin))
        except PluginError as error:
            broken.append((plugin, str(error)))
    if as_json:
        unusable = [
            {"kind": plugin.kind.name, "name": plugin.name, "distribution": plugin.distribution, "error": reason}
            for plugin, reason in broken
        ]
        usable = [each.model_dump(mode="json") for each in (*techniques, *others)]
        print_json([*({"kind": TECHNIQUE.name, **each} for each in usable), *unusable])
    else:
        results().print(plugins_table(techniques, others, [(plugin.name, reason) for plugin, reason in broken]))


def _describe(name: str, kind: str | None, *, as_json: bool) -> None:
    found = [plugin for plugin in _installed(kind) if plugin.name == name] or [_nearest(name, kind)]
    if not as_json:
        results().print(*map(_details, found), sep="\n")
        return
    print_json(_document(found[0]))
    for other in found[1:]:
        line = f"{name} is also a {other.kind.word}: `automl plugins {name} --kind {other.kind.name}`"
        messages().print(line, highlight=False, markup=False, soft_wrap=True)


def _installed(kind: str | None) -> "Iterator[Plugin[Any]]":
    from automl.errors import UsageError
    from automl.registry import KINDS

    names = [each.name for each in KINDS]
    if kind is not None and kind not in names:
        raise UsageError(f"unknown kind of plugin {kind!r}; choose one of {', '.join(names)}")
    return (plugin for each in KINDS if kind in {None, each.name} for plugin in each.installed().values())


def _nearest(name: str, kind: str | None) -> "Plugin[Any]":
    """Refuse a name that nobody has, with the nearest ones of all kinds.

    Raises:
        PluginError: Always.
    """
    from difflib import get_close_matches

    from automl.errors import PluginError

    nearest = get_close_matches(name, dict.fromkeys(plugin.name for plugin in _installed(kind)), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`automl plugins` lists what is installed"
    raise PluginError(f"unknown {kind or 'plugin'} {name!r}; {hint}")


def _details(plugin: "Plugin[Any]") -> Any:  # noqa: ANN401 # what rich prints
    from automl.registry import TECHNIQUE
    from automl.report.plugin_description import describe_plugin
    from automl.report.technique_description import describe_technique
    from automl.report.technique_details import plugin_details, technique_details

    if plugin.kind is TECHNIQUE:
        return technique_details(describe_technique(plugin.load(), plugin.distribution))
    return plugin_details(describe_plugin(plugin), plugin.kind.word)


def _document(plugin: "Plugin[Any]") -> dict[str, Any]:
    from automl.registry import TECHNIQUE
    from automl.report.plugin_description import describe_plugin
    from automl.report.technique_description import describe_technique

    if plugin.kind is TECHNIQUE:
        technique = describe_technique(plugin.load(), plugin.distribution)
        return {"kind": TECHNIQUE.name, **technique.model_dump(mode="json")}
    return describe_plugin(plugin).model_dump(mode="json")
