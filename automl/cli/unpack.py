"""``automl unpack``: from the file that was shipped to the one that a runtime opens."""

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.terminal import JsonOption, print_json, results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(unpack)


def unpack(
    file: Annotated[Path, typer.Argument(help="What `automl export --packed` wrote.", metavar="FILE")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; FILE without .packed by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Restore the ONNX file from a packed one, bit for bit."""
    from automl.errors import UsageError
    from automl.export.packing import PACKED_SUFFIX, unpack
    from automl.export.whole_file import write_whole

    if output is None and file.suffix != PACKED_SUFFIX:
        raise UsageError(f"{file} does not end in {PACKED_SUFFIX}, so say with -o what to write")
    target = output if output is not None else file.with_suffix("")
    if target.exists():
        raise UsageError(f"{target} exists already; name another file with -o")
    try:
        packed = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}; name a file that is there") from error
    try:
        model = unpack(packed)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    try:
        write_whole(target, model)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}; name another file with -o") from error
    if as_json:
        print_json({"model": str(target), "size_bytes": len(model), "download_bytes": len(packed)})
    else:
        results().print(
            f"{target}: {len(model):,} bytes, from {len(packed):,}", highlight=False, markup=False, soft_wrap=True
        )
