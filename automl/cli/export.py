"""``automl export``: the file to deploy, for the runtime that opens it."""

import tempfile
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:  # the conversion imports runtimes
    from automl.core.target import Target
    from automl.pipeline.conversion import Converted

_COMPARED_IMAGES = 1000


class Format(StrEnum):
    """What the network is written for."""

    ONNX = "onnx"
    OPENVINO = "openvino"
    EXECUTORCH = "executorch"
    LITERT = "litert"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    study: StudyArgument,
    number: NumberArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.", metavar="DIR")],
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="What shall open it; the study's target if absent. What is converted is first compared with ONNX.",
        ),
    ] = None,
    packed: Annotated[
        bool, typer.Option("--packed", help="Write it entropy-coded, to be shipped; `automl unpack` restores it.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Copy a trial's network and recipe out of the store."""
    from automl.cli.stored_trial import stored_trial
    from automl.errors import StoreError, UsageError
    from automl.export.packing import PACKED_SUFFIX, pack
    from automl.pipeline.trial_runner import MODEL_FILE, RECIPE_FILE
    from automl.storage.store import TrialStore

    if packed and form not in {None, Format.ONNX}:
        raise UsageError(f"--packed packs ONNX files, not {form}; give one of --packed and --format {form}")
    opened = TrialStore.open(store, study)
    trial = stored_trial(opened, number)
    measured = opened.spec.target
    with tempfile.TemporaryDirectory(prefix="automl-export-") as scratch:
        opened.read_artifact(number, Path(scratch), sha256=trial.artifact_sha256)
        artifact = {file.name: file.read_bytes() for file in Path(scratch).iterdir()}
    for name in {MODEL_FILE, RECIPE_FILE, *measured.files} - artifact.keys():
        raise StoreError(f"{store}/{study}/{trial.artifact}/{name} is missing; restore it from a copy of the store")
    model, recipe = artifact[MODEL_FILE], artifact[RECIPE_FILE]
    facts: dict[str, object] = {"size_bytes": len(model)}
    if form is None:
        form = Format.OPENVINO if measured.device == "openvino" and not packed else Format.ONNX
    usage = _usage(form, measured)
    if form is Format.OPENVINO and measured.device == "openvino":
        files = {name: artifact[name] for name in measured.files}
        facts = {"size_bytes": sum(map(len, files.values()))}
    elif form is not Format.ONNX:
        converted = _converted(model, form, dataset=opened.spec.dataset)
        files = converted.files
        facts = {"size_bytes": sum(map(len, files.values())), "agreement": asdict(converted.agreement)}
        usage = f"with ONNX Runtime: {converted.agreement}\n{usage}"
    elif packed:
        files = {MODEL_FILE + PACKED_SUFFIX: pack(model)}
        facts["download_bytes"] = len(files[MODEL_FILE + PACKED_SUFFIX])
        usage = _PACKED_USAGE
    else:
        files = {MODEL_FILE: model}
    if measured.device == "openvino" and form is not Format.OPENVINO:
        usage = f"\nThe figures of the trial are those of {' and '.join(measured.files)} in OpenVINO.\n{usage}"
    target = output / next(iter(files))
    _write(output, {**files, RECIPE_FILE: recipe})
    if as_json:
        print_json({"model": str(target), "recipe": str(output / RECIPE_FILE), **facts})
        return
    console = results()
    for name, content in files.items():
        console.print(f"{output / name}: {len(content):,} bytes", highlight=False, markup=False, soft_wrap=True)
    console.print(usage.format(model=target), highlight=False, markup=False, soft_wrap=True)


def _converted(model: bytes, form: Format, *, dataset: str) -> "Converted":
    from automl.datasets.load import load_dataset
    from automl.pipeline.conversion import Runtime, convert

    return convert(model, Runtime(form), images=load_dataset(dataset).validation.images[:_COMPARED_IMAGES])


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files or none."""
    from automl.errors import UsageError
    from automl.export.whole_file import write_whole

    for name in list(files)[:-1]:  # the recipe may be there: it is the same for all formats
        if (folder / name).exists():
            raise UsageError(f"{folder / name} exists already; name another folder with -o")
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(folder / name, content)
            written.append(folder / name)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write to {folder}: {error.strerror}; name another folder with -o") from error


def _usage(form: Format, measured: "Target") -> str:
    """Say how to run the files; those that were measured, as they were."""
    onnx, openvino = "", ""
    if measured.device == "cuda":
        onnx = ', providers=["CUDAExecutionProvider"]'
    if measured.device == "openvino":
        openvino = f', "INFERENCE_NUM_THREADS": {measured.threads}'
    return _USAGE[form].replace("{onnx}", onnx).replace("{openvino}", openvino)


_USAGE = {
    Format.ONNX: """
import onnxruntime
session = onnxruntime.InferenceSession("{model}"{onnx})
logits, = session.run(None, {{"image": pixels}})  # raw pixels: uint8, shape (images, channels, height, width)""",
    Format.OPENVINO: """
import openvino
network = openvino.Core().compile_model("{model}", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"{openvino}}})
logits = network(pixels)[0]  # raw pixels: uint8, shape (images, channels, height, width)""",
    Format.EXECUTORCH: """
from executorch.runtime import Runtime
method = Runtime.get().load_program("{model}").load_method("forward")
logits, = method.execute([pixels])  # one image a call: a torch tensor, uint8, shape (1, channels, height, width)""",
    Format.LITERT: """
from ai_edge_litert.interpreter import Interpreter
network = Interpreter("{model}").get_signature_runner()
logits = network(image=pixels)["logits"]  # raw pixels: uint8, shape (images, height, width, channels)""",
}

_PACKED_USAGE = """
automl unpack {model}"""
