"""``automl doctor``: does this machine have what a search needs?"""

import typer

from automl.cli.terminal import DEFAULT_STORE, JsonOption, StoreOption, print_json, results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """Check the installation and the machine; exit code 1 if a check fails."""
    from rich.markup import escape

    from automl.search.checkup import checkup

    checks = checkup(store)
    if as_json:
        print_json([check.model_dump() for check in checks])
    else:
        console = results()
        for check in checks:
            mark = "[green]ok  [/green]" if check.is_ok else "[red]FAIL[/red]"
            console.print(
                f"{mark}  [bold]{check.name}[/bold]  {escape(check.finding)}", highlight=False, soft_wrap=True
            )
    if not all(check.is_ok for check in checks):
        raise typer.Exit(1)
