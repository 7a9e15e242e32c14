"""Where output goes: results to standard output, everything else to standard error."""

import json
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from automl.search import options

DEFAULT_STORE = options.DEFAULT_STORE

StoreOption = Annotated[
    str, typer.Option("--store", envvar="AUTOML_STORE", help="Folder or URI of the trial store.", metavar="DIR|URI")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
StudyArgument = Annotated[str, typer.Argument(help="Name of the study.", metavar="STUDY")]
NumberArgument = Annotated[int, typer.Argument(help="Number of the trial.", metavar="NUMBER")]


def results() -> Console:
    """Give the console for what the user asked for."""
    return Console()


def messages() -> Console:
    """Give the console for everything that is not the result."""
    return Console(stderr=True)


def print_json(document: object) -> None:
    """Print one JSON document; what has no JSON form was made plain before."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def fail(message: str, code: int) -> NoReturn:
    """Print one line on standard error and leave."""
    sys.stderr.write(f"automl: {message}\n")
    sys.exit(code)
