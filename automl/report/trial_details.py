"""Everything that the store knows of one trial, grouped for a terminal."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from automl.core.fidelity import Transition, bound, first_beyond
from automl.core.installed_metrics import metric_named
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.width import LayerWidth
from automl.errors import PluginError
from automl.registry import TASK
from automl.report.figures import figure, footnote
from automl.report.point_summary import describe_point
from automl.report.units import MISSING, human_metric, human_number, human_seconds, metric_title
from automl.task import Task

STATE_STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.STOPPED: "yellow",
    TrialState.FAILED: "red",
    TrialState.INFEASIBLE: "magenta",
}
"""Colour of each way to end."""

_BAR_WIDTH = 24


def trial_details(trial: Trial, spec: StudySpec) -> RenderableType:
    """Show one trial: how it ended, its network, point, metrics, limits, rewrites, widths, time, versions and error.

    Args:
        trial: The trial.
        spec: Its study.
    """
    groups: list[tuple[str, RenderableType | None]] = [
        ("point", _point(trial, spec)),
        ("metrics", _metrics(trial)),
        ("constraints", _constraints(trial.constraints)),
        ("rewrites", _rewrites(trial, _called(spec))),
        ("channels", _widths(trial.widths)),
        ("notes", Text("\n".join(trial.notes), style="yellow") if trial.notes else None),
        ("time", _seconds(trial)),
        ("run", _run(trial, spec)),
        ("error", _error(trial)),
    ]
    parts: list[RenderableType] = [_header(trial, spec)]
    for title, content in groups:
        if content is not None:
            parts += [Text(f"\n{title}", style="bold"), Padding(content, (0, 0, 0, 2))]
    return Group(*parts)


def _header(trial: Trial, spec: StudySpec) -> Text:
    summary = describe_point(trial.point, spec.space.constants, profiles=spec.space.profiles)
    state = (trial.state.value, STATE_STYLES[trial.state])
    return Text.assemble((f"trial {trial.number}", "bold"), f" of {spec.name}  ", state, f"\n{summary}")


def _grid(rows: Mapping[str, RenderableType]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", overflow="fold")
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        grid.add_row(Text(name), value)
    return grid


def _point(trial: Trial, spec: StudySpec) -> Table:
    chosen = {name: Text(str(value)) for name, value in trial.point.items()}
    fixed = {name: Text(f"{value}  (fixed)", style="dim") for name, value in spec.space.constants.items()}
    return _grid({**chosen, **fixed})


def _metrics(trial: Trial) -> RenderableType | None:
    """Give each metric a line; the ends of its interval stand behind it."""
    metrics = trial.metrics
    rows: dict[str, RenderableType] = {}
    ends: set[str] = set()
    for name in metrics:
        interval, shown = metric_named(name).interval, ""
        if interval is not None and metrics.keys() >= {*interval}:
            shown = f"  ({' to '.join(human_metric(end, metrics[end]) for end in interval)})"
            ends |= {*interval}
        rows[name] = Text(figure(trial, name) + shown)
    lines = {metric_title(name): cell for name, cell in rows.items() if name not in ends}
    note = footnote([trial], metrics)
    if note is not None:
        return Group(_grid(lines), Text(note, style="dim"))
    return _grid(lines) if lines else None


def _constraints(constraints: Mapping[str, float]) -> Table | None:
    rows: dict[str, RenderableType] = {}
    for text, violation in constraints.items():
        kept = violation <= 0
        words = f"kept, {human_number(-violation)} to spare" if kept else f"broken by {human_number(violation)}"
        rows[text] = Text(words, style="green" if kept else "red")
    return _grid(rows) if rows else None


def _rewrites(trial: Trial, called: str) -> Table | None:
    """Give each rewrite of the network a line: how far it moved the outputs, and how far it may."""
    rows: dict[str, RenderableType] = {}
    is_quantized = Transition.QUANTIZE in trial.fidelity
    beyond = first_beyond(trial.fidelity, is_quantized=is_quantized)
    for transition, gap in trial.fidelity.items():
        limit = bound(transition, is_quantized=is_quantized)
        meant = "meant to change them" if limit is None else f"at most {limit:.1%}"
        moved = f"{called} moved by {gap:.2%} of their spread  ({meant})"
        words = moved if gap else f"the same {called}, but for rounding"
        rows[transition] = Text(words, style="red" if transition is beyond else "")
    return _grid(rows) if rows else None


def _called(spec: StudySpec) -> str:
    """Name the outputs of its networks; where its task is not known here, by what they are in any."""
    if spec.task is not None and spec.task in TASK.installed():
        with suppress(PluginError):
            return TASK.load(spec.task).called
    return Task.called


def _widths(widths: Sequence[LayerWidth]) -> Table | None:
    """Give each layer a line: its channels before pruning, those asked for, and those that it kept."""
    if not widths:
        return None
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", overflow="fold")
    for _ in ("before", "asked", "kept"):
        grid.add_column(justify="right")
    grid.add_row("", *(Text(title, style="dim") for title in ("before", "→ asked", "→ kept")))
    for width in widths:
        kept = MISSING if width.kept is None else str(width.kept)
        grid.add_row(Text(width.layer), str(width.before), f"→ {width.asked:.1f}", f"→ {kept}")
    return grid


def _seconds(trial: Trial) -> Table | None:
    seconds, cached = trial.seconds, {step for step, is_cached in trial.cached.items() if is_cached}
    if not seconds:
        return None
    skipped = dict.fromkeys((step for step in trial.cached if step in cached and step not in seconds), 0.0)
    steps = {**skipped, **{name: value for name, value in seconds.items() if name != "total"}}
    longest = max(steps.values(), default=0.0) or 1.0
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column(style="cyan", no_wrap=True)
    for name, value in steps.items():
        bar = "█" * round(_BAR_WIDTH * value / longest) or "▏"
        grid.add_row(name, human_seconds(value) if value else MISSING, "from the cache" if name in cached else bar)
    if "total" in seconds:
        grid.add_row("total", human_seconds(seconds["total"]), "")
    return grid


def _run(trial: Trial, spec: StudySpec) -> Table:
    versions = ", ".join(f"{library} {version}" for library, version in trial.versions.items())
    return _grid(
        {
            "started": Text(f"{trial.started_at:%Y-%m-%d %H:%M:%S %Z}"),
            "took": Text(human_seconds((trial.finished_at - trial.started_at).total_seconds())),
            "host": Text(trial.host),
            "target": Text(str(spec.target)),
            "seed": Text(str(trial.seed)),
            "epochs trained": Text(str(trial.epochs_trained)),
            "artifact": Text(trial.artifact or "not kept"),
            **_departure(trial),
            "versions": Text(versions or MISSING),
        }
    )


def _departure(trial: Trial) -> dict[str, RenderableType]:
    words = f"{trial.parity_layer}: here the deployed network first leaves the simulated one"
    return {"departs at": Text(words, style="yellow")} if trial.parity_layer is not None else {}


def _error(trial: Trial) -> RenderableType | None:
    if trial.error is None and trial.error_traceback is None:
        return None
    parts: list[RenderableType] = [Text(trial.error or "", style="red")]
    if trial.error_traceback is not None:
        parts.append(
            Panel(Text(trial.error_traceback.rstrip(), overflow="fold"), title="traceback", border_style="red")
        )
    return Group(*parts)
