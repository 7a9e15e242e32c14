"""``model_card.md``: the page that goes with a deployed file, for whoever did not search for it."""

from collections.abc import Iterable, Iterator, Sequence

from automl.core.data_description import DataDescription
from automl.core.fidelity import Transition, bound
from automl.core.installed_metrics import installed_metrics, metric_named
from automl.core.metric import Unit
from automl.core.profile import Profile
from automl.core.recipe import Recipe
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.datasets.dataset import GIVEN
from automl.report.deployed_facts import channel_names, file_sums, output_words
from automl.report.figures import figure, footnote
from automl.report.point_summary import describe_point
from automl.report.predict_script import how_pictures_go_in, takes_pictures
from automl.report.units import metric_title
from automl.runtime import IMAGE, LOGITS, ONNX_FILE

_LISTED_CLASSES = 100


def model_card(trial: Trial, spec: StudySpec, data: DataDescription, recipe: Recipe, *, usage: str) -> str:
    """Write the page in Markdown: what the network is, what goes in and comes out, how good it is, how it is run.

    Args:
        trial: Of the study; its figures are those of the page.
        spec: The study.
        data: Of the study.
        recipe: Of the trial.
        usage: Lines of Python that run the files that were measured.
    """
    parts = [
        (f"Trial {trial.number} of {spec.name}", _what(trial, spec, data)),
        ("Data", _data(spec, data)),
        ("What goes in, what comes out", _interface(spec, data)),
        ("Figures", _figures(trial, spec, data)),
        ("How it was made", _chain(trial, spec, recipe)),
        ("How true the file is to the trained network", _fidelity(trial)),
        ("How to run it", _running(data, usage)),
        ("Files that were measured", _sums(trial)),
    ]
    return (
        "\n\n".join(
            f"{'#' if index == 0 else '##'} {title}\n\n" + "\n".join(lines)
            for index, (title, lines) in enumerate((title, list(lines)) for title, lines in parts)
            if lines
        )
        + "\n"
    )


def _what(trial: Trial, spec: StudySpec, data: DataDescription) -> Iterator[str]:
    yield f"A network for {data.task} of images, found by automl {trial.versions.get('automl', '')}".rstrip() + ":"
    yield f"{describe_point(trial.point, spec.space.constants, profiles=spec.space.profiles)}."


def _data(spec: StudySpec, data: DataDescription) -> Iterator[str]:
    counts = ", ".join(f"{count:,} to {_PURPOSE[split]}" for split, count in data.images.items() if split in _PURPOSE)
    called = "Arrays that a Python program handed over" if spec.dataset == GIVEN else f"`{spec.dataset}`"
    yield f"{called}: images {counts}."
    if data.notes:
        yield ""
        yield from (f"- {note}" for note in data.notes)


def _interface(spec: StudySpec, data: DataDescription) -> Iterator[str]:
    shape = f"(images, {data.channels}, {data.height}, {data.width})"
    yield f"- `{IMAGE}`: uint8, shape {shape}, channels: {channel_names(data)}."
    yield "  Pixels from 0 to 255 as they are decoded: the file itself normalises them."
    yield f"- `{LOGITS}`: float32, shape (images, {data.outputs}), {output_words(data)}."
    if takes_pictures(data):
        yield ""
        yield how_pictures_go_in(spec, data)
    if not data.gives_classes:
        return
    yield ""
    if data.class_names is None:
        yield f"The classes have no names: they are the numbers 0 to {data.outputs - 1}."
        return
    shown = data.class_names[:_LISTED_CLASSES]
    more = len(data.class_names) - len(shown)
    listed = ", ".join(f"{number} {name}" for number, name in enumerate(shown))
    yield f"Classes: {listed}{f', and {more} more in recipe.json' if more else ''}."


def _figures(trial: Trial, spec: StudySpec, data: DataDescription) -> Iterator[str]:
    shown = _shown(trial, spec)
    rows = (
        (metric_title(name), figure(trial, name), f"{trial.metrics[name]!r}", _where(name, spec, data))
        for name in shown
    )
    yield from _table(("figure", "value", "as in the row", "measured on"), rows)
    note = footnote([trial], shown)
    if note is not None:
        yield ""
        yield note.replace("*", "\\*")
    yield ""
    yield "The search chose by the validation images, so that figures on them flatter."
    tested = any(metric in _tests() for metric in shown)
    yield "Test images chose nothing." if tested else "The network was not run on the test images."
    yield f"Target: `{spec.target}` on {trial.host}; another machine has other latencies."


def _shown(trial: Trial, spec: StudySpec) -> list[str]:
    """Name the figures of the row that say something by themselves: what the study wished for comes first."""
    installed = installed_metrics()
    ends = {end for metric in installed.values() for end in metric.interval or ()}
    others = (
        name
        for name, metric in installed.items()
        if name not in ends and not metric.is_given and metric.unit is not Unit.FLAG
    )
    return [name for name in dict.fromkeys((*spec.wished_metrics, *others)) if name in trial.metrics]


def _where(metric: str, spec: StudySpec, data: DataDescription) -> str:
    known = metric_named(metric)
    if metric in _tests():
        return f"test, {data.images['test']:,} images"
    if known.on_test is not None or known.unit is Unit.POINTS:
        return f"validation, {data.images['validation']:,} images"
    if known.unit is Unit.MILLISECONDS:
        return f"target `{spec.target}`"
    return "the files" if known.unit is Unit.BYTES else "the network"


def _tests() -> set[str | None]:
    return {metric.on_test for metric in installed_metrics().values()} - {None}


def _chain(trial: Trial, spec: StudySpec, recipe: Recipe) -> Iterator[str]:
    for number, each in enumerate(recipe.stages, start=1):
        fields = [f"{name} {value}" for name, value in each.hyperparameters.items()]
        profile = spec.space.profiles.get(each.stage)
        curve = "" if profile is None or each.profile is None else f"; {profile.name} {_curve(each.profile)}"
        yield f"{number}. {each.stage}: `{each.technique}`{'; ' if fields else ''}{', '.join(fields)}{curve}"
    if recipe.teacher is not None:
        yield ""
        yield f"Teacher: {recipe.teacher}."
    yield ""
    settings = (f"{name} {value}" for name, value in recipe.training if value is not None)
    yield f"Training: {', '.join(settings)}; seed {recipe.seed}."
    if trial.notes:
        yield ""
        yield from (f"- {note}" for note in trial.notes)


def _curve(profile: Profile) -> str:
    offsets = f", offsets {', '.join(f'{offset:g}' for offset in profile.offsets)}" if profile.offsets else ""
    slope = f", slope over depth {profile.slope:g}" if profile.slope else ""
    return f"{profile.level:g}{slope}{offsets}, from {profile.low:g} to {profile.high:g} a layer"


def _fidelity(trial: Trial) -> Iterator[str]:
    is_quantized = Transition.QUANTIZE in trial.fidelity
    if not trial.fidelity:
        return
    yield "How far each rewrite moved the outputs, as a share of how much they vary from image to image:"
    yield ""
    limits = ((each, gap, bound(each, is_quantized=is_quantized)) for each, gap in trial.fidelity.items())
    rows = (
        (
            each.value,
            f"{gap:.2%}" if gap else "rounding alone",
            "meant to change them" if limit is None else f"{limit:.1%}",
        )
        for each, gap, limit in limits
    )
    yield from _table(("rewrite", "moved by", "at most"), rows)


def _running(data: DataDescription, usage: str) -> Iterator[str]:
    if takes_pictures(data):
        what = "the class" if data.gives_classes else "the numbers"
        yield f"`python predict.py PICTURE` prints {what}. It needs Pillow, numpy and onnxruntime, and reads"
        yield f"`{ONNX_FILE}` and `recipe.json` beside it; it comes with the ONNX file alone."
        yield ""
        yield "On arrays:"
        yield ""
    yield from ("```python", usage.strip(), "```")


def _sums(trial: Trial) -> Iterator[str]:
    yield from _table(("file", "SHA-256"), ((name, f"`{digest}`") for name, digest in file_sums(trial).items()))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (titles, ["---"] * len(titles), *rows):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


_PURPOSE = {"train": "train on", "validation": "choose by", "test": "test on"}
