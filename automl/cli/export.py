"""``automl export``: the file to deploy, for the runtime that opens it."""

import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from functools import partial
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
    from automl.core.study import StudySpec
    from automl.core.target import Target
    from automl.runtime import Runtime

_COMPARED_IMAGES = 1000
_ONNX = "onnx"


@dataclass(frozen=True)
class _Parcel:
    """What is handed out.

    Attributes:
        files: Content by name; the one that is opened comes first.
        usage: Gives the lines that open it, where it lies.
        facts: What the JSON document says of it.
    """

    files: dict[str, bytes]
    usage: Callable[[str], str]
    facts: dict[str, object]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    study: StudyArgument,
    number: NumberArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.", metavar="DIR")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="onnx|RUNTIME",
            help="What shall open it, see `automl plugins`; the study's target if absent. "
            "What is converted is first compared with ONNX.",
        ),
    ] = None,
    packed: Annotated[
        bool, typer.Option("--packed", help="Write it entropy-coded, to be shipped; `automl unpack` restores it.")
    ] = False,
    labelled: Annotated[
        bool, typer.Option("--metadata", help="Write into the ONNX file, too, what it is: classes, figures, checksum.")
    ] = False,
    softmax: Annotated[
        bool, typer.Option("--softmax", help="Let the ONNX file give probabilities in the place of logits.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Copy a trial's network out of the store, with its recipe, a page that says what it is, and how to run it."""
    from automl.cli.handed_over import Additions, beside
    from automl.cli.stored_trial import stored_trial
    from automl.errors import StoreError, UsageError
    from automl.pipeline.trial_runner import MODEL_FILE, RECIPE_FILE
    from automl.registry import RUNTIME
    from automl.storage.store import TrialStore

    if packed and form not in {None, _ONNX}:
        raise UsageError(f"--packed packs ONNX files, not {form}; give one of --packed and --format {form}")
    if form is not None and form != _ONNX:
        if form not in RUNTIME.installed():
            raise UsageError(
                f"--format {form!r} is none of {', '.join([_ONNX, *RUNTIME.installed()])}; give one of them"
            )
        RUNTIME.load(form)
    opened = TrialStore.open(store, study)
    trial = stored_trial(opened, number)
    measured = _measured(opened.spec.target, is_needed=form is None and not packed)
    with tempfile.TemporaryDirectory(prefix="automl-export-") as scratch:
        opened.read_artifact(number, Path(scratch), sha256=trial.artifact_sha256)
        artifact = {file.name: file.read_bytes() for file in Path(scratch).iterdir()}
    for name in {MODEL_FILE, RECIPE_FILE, *measured.files} - artifact.keys():
        raise StoreError(f"{store}/{study}/{trial.artifact}/{name} is missing; restore it from a copy of the store")
    model, additions = artifact[MODEL_FILE], Additions(metadata=labelled, softmax=softmax)
    is_onnx = packed or _is_onnx(form, measured)
    artifact[MODEL_FILE] = additions.to(model, trial, opened.spec, is_onnx=is_onnx)
    parcel = _packed(artifact[MODEL_FILE]) if packed else _parcel(artifact, form, measured, opened.spec)
    papers = beside(trial, opened.spec, artifact[RECIPE_FILE], runtime=measured, has_onnx=is_onnx)
    _write(output, parcel.files, papers)
    if as_json:
        document = {"model": str(output / next(iter(parcel.files))), "recipe": str(output / RECIPE_FILE)}
        print_json({**document, **parcel.facts, "beside": [str(output / name) for name in papers]})
        return
    remarks = []
    if measured.is_converted and not parcel.files.keys() & set(measured.files):
        remarks.append(f"The figures of the trial are those of {' and '.join(measured.files)} in {measured.title}.")
    if artifact[MODEL_FILE] is not model:
        remarks.append(f"The figures of the trial are those of the file that was measured: {len(model):,} bytes.")
    _print(output, parcel, papers, remarks)


def _print(output: Path, parcel: _Parcel, papers: Collection[str], remarks: Iterable[str]) -> None:
    """Say what was written, and how it is opened."""
    lines = [f"{output / name}: {len(content):,} bytes" for name, content in parcel.files.items()]
    if len(papers) > 1:
        lines.append(f"beside it: {', '.join(papers)}")
    lines += [f"\n{remark}" for remark in remarks]
    console = results()
    for line in [*lines, parcel.usage(str(output / next(iter(parcel.files))))]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _measured(target: "Target", *, is_needed: bool) -> "Runtime":
    """Give the runtime of the figures; where its package is gone and nothing but the ONNX file needed, that of ONNX."""
    from automl.core.target import ONE_THREAD
    from automl.errors import PluginError
    from automl.measure.targets import runtime_of

    try:
        return runtime_of(target)
    except PluginError as error:
        if is_needed:
            raise PluginError(f"{error}; --format onnx hands out the ONNX file without it") from error
        return runtime_of(ONE_THREAD)


def _parcel(artifact: dict[str, bytes], form: str | None, measured: "Runtime", spec: "StudySpec") -> _Parcel:
    from automl.core.target import ONE_THREAD
    from automl.measure.targets import runtime_named, runtime_of
    from automl.runtime import ONNX_FILE

    if form is None or form == measured.name or (form == _ONNX and not measured.is_converted):
        return _stored(artifact, measured, threads=spec.target.threads)
    if form == _ONNX:
        return _stored(artifact, runtime_of(ONE_THREAD), threads=None)
    return _converted(artifact[ONNX_FILE], runtime_named(form), spec)


def _is_onnx(form: str | None, measured: "Runtime") -> bool:
    """Say whether what opens the files opens the ONNX file itself."""
    from automl.measure.targets import runtime_named

    return form == _ONNX or not (measured if form is None else runtime_named(form)).is_converted


def _packed(model: bytes) -> _Parcel:
    from automl.export.packing import PACKED_SUFFIX, pack
    from automl.runtime import ONNX_FILE

    content = pack(model)
    facts: dict[str, object] = {"size_bytes": len(model), "download_bytes": len(content)}
    return _Parcel({ONNX_FILE + PACKED_SUFFIX: content}, lambda path: f"\nautoml unpack {path}", facts)


def _stored(artifact: dict[str, bytes], runtime: "Runtime", *, threads: int | None) -> _Parcel:
    """Hand out what the trial wrote for a runtime."""
    files = {name: artifact[name] for name in runtime.files}
    return _Parcel(files, partial(runtime.usage, threads=threads), {"size_bytes": sum(map(len, files.values()))})


def _converted(model: bytes, runtime: "Runtime", spec: "StudySpec") -> _Parcel:
    from automl.datasets.load import load_dataset
    from automl.pipeline.conversion import convert

    data = load_dataset(spec.dataset, spec.task)
    converted = convert(model, runtime.name, images=data.validation.images[:_COMPARED_IMAGES], task=data.task)
    return _Parcel(
        converted.files,
        lambda path: f"with ONNX Runtime: {converted.agreement}\n{runtime.usage(path, threads=None)}",
        {"size_bytes": sum(map(len, converted.files.values())), "agreement": asdict(converted.agreement)},
    )


def _write(folder: Path, files: dict[str, bytes], papers: dict[str, bytes]) -> None:
    """Write all files or none; papers may be there already, where the trial was exported in another format."""
    from automl.errors import UsageError
    from automl.export.whole_file import write_whole

    missing = {}
    for name, content in {**files, **papers}.items():
        path = folder / name
        if not path.exists():
            missing[path] = content
        elif name in files or not path.is_file() or path.read_bytes() != content:
            raise UsageError(f"{path} exists already; name another folder with -o")
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in missing.items():
            write_whole(path, content)
            written.append(path)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write to {folder}: {error.strerror}; name another folder with -o") from error
