"""The entry point: registers the commands and turns errors into one line and an exit code.

No command imports torch, Ray or a plugin before it runs, so that ``automl --help`` answers at once.
"""

import os
import sys
from typing import Annotated

import typer

from automl.cli import compact, doctor, export, pareto, plugins, search, show, spaces, trials, unpack
from automl.cli.terminal import fail
from automl.core.distribution import VERSION
from automl.errors import AutomlError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="automl",
    help="Find small, fast, accurate neural networks, each measured on the file that you deploy.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
for command in (search, pareto, trials, show, export, unpack, plugins, spaces, compact, doctor):
    command.register(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"automl {VERSION}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command line; the exit code says how it went."""
    try:
        app()
    except UsageError as error:
        fail(str(error), EXIT_USAGE)
    except AutomlError as error:
        fail(str(error), EXIT_FAILED)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
