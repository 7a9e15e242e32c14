"""Makes of each option of a search one of the command line, so that an option is spelt once."""

from collections.abc import Iterator
from inspect import Parameter
from pathlib import Path
from typing import Annotated, get_origin

import typer
from pydantic.fields import FieldInfo

from automl.cli.terminal import StoreOption
from automl.search.options import SearchOptions, Shown

_WRITTEN_AS_THEY_ARE = (bool, int, float)
_MAY_BE_ABSENT = (int | None, Path | None)


def option_parameters() -> Iterator[Parameter]:
    """Give the options of ``SearchOptions`` as Typer reads them from a function's signature."""
    for name, field in SearchOptions.model_fields.items():
        shown = next((each for each in field.metadata if isinstance(each, Shown)), Shown())
        annotation, default = _type(field), field.default
        if get_origin(field.annotation) is tuple:
            default = None
        names = [shown.flag] if shown.flag else [f"--{name.replace('_', '-')}"]
        option = typer.Option(*names, help=field.description, metavar=shown.metavar)
        yield Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=default,
            annotation=StoreOption if name == "store" else Annotated[annotation, option],
        )


def _type(field: FieldInfo) -> object:
    """Give the type that Typer reads; what it does not know is read from text by ``SearchOptions``."""
    if get_origin(field.annotation) is tuple:
        return list[str] | None
    default = field.default
    if default is None:
        return field.annotation if field.annotation in _MAY_BE_ABSENT else str | None
    return field.annotation if type(default) is field.annotation and type(default) in _WRITTEN_AS_THEY_ARE else str
