"""``automl plugins``: the techniques that are installed."""

from typing import Annotated

import typer

from automl.cli.terminal import JsonOption, print_json, results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plugins)


def plugins(
    name: Annotated[str | None, typer.Argument(help="One technique, in full.", metavar="[NAME]")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the techniques that are installed, or describe one: its fields, its paper, an example."""
    if name is None:
        _list(as_json=as_json)
    else:
        _describe(name, as_json=as_json)


def _list(*, as_json: bool) -> None:
    from automl.registry import TECHNIQUE
    from automl.report.technique_description import describe_technique
    from automl.report.technique_details import techniques_table

    broken = {name: str(error) for name, error in TECHNIQUE.broken().items()}
    techniques = [
        describe_technique(plugin.load(), plugin.distribution)
        for name, plugin in TECHNIQUE.installed().items()
        if name not in broken
    ]
    if as_json:
        unusable = [
            {"name": name, "distribution": TECHNIQUE.installed()[name].distribution, "error": reason}
            for name, reason in broken.items()
        ]
        print_json([*(technique.model_dump(mode="json") for technique in techniques), *unusable])
    else:
        results().print(techniques_table(techniques, broken))


def _describe(name: str, *, as_json: bool) -> None:
    from automl.registry import TECHNIQUE
    from automl.report.technique_description import describe_technique
    from automl.report.technique_details import technique_details

    technique = describe_technique(TECHNIQUE.load(name), TECHNIQUE.chosen(name).distribution)
    if as_json:
        print_json(technique.model_dump(mode="json"))
    else:
        results().print(technique_details(technique))
