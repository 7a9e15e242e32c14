"""``automl export``: the file to deploy."""

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.terminal import (
    DEFAULT_STORE,
    JsonOption,
    NumberArgument,
    StoreOption,
    StudyArgument,
    print_json,
    results,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    study: StudyArgument,
    number: NumberArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.", metavar="DIR")],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Copy a trial's network and recipe out of the store: model.onnx and recipe.json."""
    from automl.cli.stored_trial import stored_trial
    from automl.errors import UsageError
    from automl.storage.store import TrialStore

    opened = TrialStore.open(store, study)
    stored_trial(opened, number)
    model = output / "model.onnx"
    if model.exists():
        raise UsageError(f"{model} exists already; name another folder with -o")
    try:
        opened.read_artifact(number, output)
    except OSError as error:
        raise UsageError(f"cannot write to {output}: {error.strerror}; name another folder with -o") from error
    if as_json:
        print_json({"model": str(model), "recipe": str(output / "recipe.json"), "size_bytes": model.stat().st_size})
        return
    console = results()
    console.print(f"{model}: {model.stat().st_size:,} bytes", highlight=False, soft_wrap=True)
    console.print(_USAGE.format(model=model), highlight=False, markup=False, soft_wrap=True)


_USAGE = """
import onnxruntime
session = onnxruntime.InferenceSession("{model}")
logits, = session.run(None, {{"image": pixels}})  # raw pixels: uint8, shape (images, channels, height, width)"""
