"""Tables of trials and fronts for a terminal; they stay readable at 80 columns."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from automl.core.direction import Direction
from automl.core.installed_metrics import metric_named
from automl.core.near_miss import nearest_misses, tallies
from automl.core.pareto import pareto_front
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.report.figures import figure, footnote
from automl.report.point_summary import describe_point
from automl.report.trial_details import STATE_STYLES, trial_details
from automl.report.units import MISSING, human_metric, human_seconds, metric_title

__all__ = ["describe_point", "front_table", "limit_lines", "misses_table", "trial_details", "trials_table"]

_ARROWS = {Direction.MAX: "↑", Direction.MIN: "↓"}
_BEYOND = {"<=": "above", ">=": "below"}


def front_table(trials: Sequence[Trial], spec: StudySpec) -> Table:
    """Show the Pareto front: objectives, what the test split says, and what each network is.

    Args:
        trials: All trials of the study.
        spec: The study.
    """
    front = pareto_front(trials, spec.objectives)
    metrics = _front_metrics(front, spec)
    table = _table(f"Pareto front of {spec.name}: {len(front)} of {len(trials)} trials", front, metrics)
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    for metric in metrics:
        table.add_column(_heading(metric, spec), justify="right", no_wrap=True)
    table.add_column("network", overflow="fold", ratio=1)
    for trial in front:
        summary = describe_point(trial.point, spec.space.constants, profiles=spec.space.profiles)
        table.add_row(str(trial.number), *_metric_cells(trial, metrics), Text(summary.replace(" · ", "\n")))
    return table


def misses_table(trials: Sequence[Trial], spec: StudySpec) -> Table:
    """Show the trials that come nearest to keeping every constraint, with what each breaks.

    Args:
        trials: All trials of the study, of which none keeps to every constraint.
        spec: The study.
    """
    misses = nearest_misses(trials, spec.constraints)
    metrics = list(dict.fromkeys([*(o.metric for o in spec.objectives), *(c.metric for c in spec.constraints)]))
    table = _table(f"Nearest misses of {spec.name}", misses, metrics)
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    for metric in metrics:
        table.add_column(_heading(metric, spec), justify="right", no_wrap=True)
    table.add_column("breaks", overflow="fold", ratio=1)
    for trial in misses:
        table.add_row(str(trial.number), *_metric_cells(trial, metrics), Text(_note(trial, spec)))
    return table


def limit_lines(trials: Sequence[Trial], spec: StudySpec) -> list[str]:
    """Say of each constraint how many complete trials keep it, and how near the nearest comes."""
    lines = []
    for tally in tallies(trials, spec.constraints):
        metric, is_ceiling = tally.constraint.metric, tally.constraint.operator == "<="
        nearest = f"; the {'smallest' if is_ceiling else 'largest'} is {human_metric(metric, tally.nearest)}"
        keep = f"{tally.kept} of {tally.trials} trials {'keeps' if tally.kept == 1 else 'keep'} it"
        lines.append(f"{tally.constraint}: {keep}{nearest if tally.nearest is not None else ''}")
    return lines


def trials_table(trials: Sequence[Trial], spec: StudySpec) -> Table:
    """Show every trial with how it ended; a star marks the members of the front.

    Args:
        trials: All trials of the study.
        spec: The study.
    """
    front = {trial.number for trial in pareto_front(trials, spec.objectives)}
    metrics = [objective.metric for objective in spec.objectives]
    table = _table(f"Trials of {spec.name}  (★ on the Pareto front)", trials, metrics)
    table.add_column("", style="yellow", no_wrap=True)
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for metric in metrics:
        table.add_column(_heading(metric, spec), justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("note", overflow="fold", ratio=1)
    for trial in sorted(trials, key=lambda trial: trial.number):
        table.add_row(
            "★" if trial.number in front else "",
            str(trial.number),
            Text(trial.state.value, style=STATE_STYLES[trial.state]),
            *_metric_cells(trial, metrics),
            human_seconds((trial.finished_at - trial.started_at).total_seconds()),
            Text(_note(trial, spec)),
        )
    return table


def _table(title: str, trials: Sequence[Trial], metrics: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.caption, table.caption_justify = footnote(trials, metrics), "left"
    table.padding = (0, 1, 0, 0)
    return table


def _front_metrics(front: Sequence[Trial], spec: StudySpec) -> list[str]:
    """Put the figure of the test split, where one was taken, beside the one that the search saw."""
    metrics: list[str] = []
    for objective in spec.objectives:
        metrics.append(objective.metric)
        tested = metric_named(objective.metric).on_test
        if tested is not None and any(tested in trial.metrics for trial in front):
            metrics.append(tested)
    return metrics


def _heading(metric: str, spec: StudySpec) -> str:
    directions = {objective.metric: objective.direction for objective in spec.objectives}
    if metric not in directions:
        is_on_test = metric in {metric_named(wished).on_test for wished in directions}
        return "on test" if is_on_test else metric_title(metric)
    return f"{metric_title(metric)} {_ARROWS[directions[metric]]}"


def _metric_cells(trial: Trial, metrics: Sequence[str]) -> list[str]:
    return [figure(trial, metric) for metric in metrics]


def _note(trial: Trial, spec: StudySpec) -> str:
    if trial.error is not None:
        return (trial.error.splitlines() or [MISSING])[0]
    if trial.state is TrialState.STOPPED:
        return f"after {trial.epochs_trained} epoch{'' if trial.epochs_trained == 1 else 's'}"
    broken = [limit for limit in spec.constraints if not trial.constraints.get(str(limit), 0.0) <= 0]
    return ", ".join(
        f"{metric_title(limit.metric)} {_BEYOND[limit.operator]} {human_metric(limit.metric, limit.limit)}"
        for limit in broken
    )
