"""``automl plugins``: the techniques that are installed."""

from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.terminal import JsonOption, print_json, results

if TYPE_CHECKING:  # the registry imports pydantic, and --help should not
    from automl.technique import Technique


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plugins)


def plugins(
    name: Annotated[str | None, typer.Argument(help="One technique, in full.", metavar="[NAME]")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the techniques that are installed, or describe one."""
    from automl.registry import plugins as installed
    from automl.registry import technique_class

    names = [name] if name is not None else list(installed())
    techniques = [technique_class(each) for each in names]
    documents = [_document(technique, installed()[technique.name].distribution) for technique in techniques]
    if as_json:
        print_json(documents if name is None else documents[0])
    elif name is None:
        _print_table(documents)
    else:
        _print_one(documents[0])


def _document(technique: "type[Technique]", distribution: str) -> dict[str, object]:
    return {
        "name": technique.name,
        "stage": technique.stage.value,
        "summary": (technique.__doc__ or "").partition("\n")[0],
        "description": (technique.__doc__ or "").partition("Attributes:")[0].strip(),
        "paper": technique.paper,
        "version": technique.version,
        "distribution": distribution,
        "fields": {
            field: {key: value for key, value in schema.items() if key != "title"}
            for field, schema in technique.model_json_schema()["properties"].items()
        }
        if technique.model_fields
        else {},
    }


def _print_table(documents: list[dict[str, object]]) -> None:
    from rich.table import Table

    table = Table("name", "stage", "what it does", box=None, header_style="bold")
    for document in sorted(documents, key=lambda each: (str(each["stage"]), str(each["name"]))):
        table.add_row(str(document["name"]), str(document["stage"]), str(document["summary"]))
    results().print(table)


def _print_one(document: dict[str, object]) -> None:
    console = results()
    console.print(
        f"[bold]{document['name']}[/bold]  {document['stage']}, from {document['distribution']}", highlight=False
    )
    console.print(f"\n{document['description']}", highlight=False)
    if document["paper"]:
        console.print(f"\n{document['paper']}", highlight=False, style="italic")
    fields = document["fields"]
    if isinstance(fields, dict) and fields:
        console.print("\nFields:")
        for name, schema in fields.items():
            console.print(f"  {name}: {_field_text(schema)}", highlight=False, markup=False)


def _field_text(schema: dict[str, object]) -> str:
    limits = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    parts = [str(schema["type"])] if "type" in schema else []
    if "enum" in schema:
        parts.append(f"one of {schema['enum']}")
    parts += [f"{words} {schema[key]}" for key, words in limits.items() if key in schema]
    parts.append(f"default {schema.get('default')}")
    return ", ".join(parts)
