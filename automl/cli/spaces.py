"""``automl spaces``: the search spaces that ship, and what a space file resolves to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.terminal import JsonOption, print_json, results

if TYPE_CHECKING:  # pydantic is imported when a space is read
    from automl.core.parameter import Parameter
    from automl.core.space import SearchSpace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(spaces)


def spaces(
    name: Annotated[
        str | None, typer.Argument(help="A shipped space or a file, in full.", metavar="[NAME|FILE]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the search spaces that ship, or show what one resolves to.

    A file is refused where a search of it would be, its data set included.
    """
    from automl.spaces.load import load_space, shipped_spaces

    if name is not None:
        space = load_space(name)
        if name not in shipped_spaces():
            from automl.search.space_check import check_space

            sys.path.insert(0, str(Path.cwd()))  # as a search does, for the functions that a file names
            check_space(space)
        if as_json:
            print_json(space.model_dump(mode="json"))
        else:
            _print_one(space)
        return
    found = [load_space(each) for each in shipped_spaces()]
    if as_json:
        print_json([{"name": s.name, "description": s.description, "parameters": len(s.parameters)} for s in found])
    else:
        _print_table(found)


def _print_table(found: "list[SearchSpace]") -> None:
    from rich.table import Table

    table = Table("name", "parameters", "data set", "what it is for", box=None, header_style="bold")
    for space in found:
        table.add_row(space.name, str(len(space.parameters)), space.dataset, space.description)
    results().print(table)


def _print_one(space: "SearchSpace") -> None:
    from rich.table import Table

    console = results()
    console.print(f"[bold]{space.name}[/bold]  {space.description}", highlight=False)
    console.print(f"data set {space.dataset}; objectives {', '.join(map(str, space.objectives))}\n", highlight=False)
    table = Table("parameter", "domain", "applies", box=None, header_style="bold")
    for parameter in space.parameters:
        table.add_row(parameter.name, parameter.domain.described(), _condition_text(parameter))
    for constant, value in space.constants.items():
        table.add_row(constant, f"{value} (fixed)", "")
    if space.has_distillers:
        table.add_row("teacher", str(space.teacher or "the largest network of the space"), "there is a distiller")
    console.print(table)


def _condition_text(parameter: "Parameter") -> str:
    condition = parameter.condition
    return f"{condition.parameter} is {' or '.join(map(str, condition.values))}" if condition is not None else "always"
