"""A trial's figures as people read them, with a star where one is not sure."""

from collections.abc import Iterable

from automl.core.trial import Trial
from automl.report.units import human_metric

FOOTNOTE = "* the machine was never at its best while this was measured: it counts as the upper end of its interval"


def figure(trial: Trial, metric: str) -> str:
    """Format one metric of a trial."""
    star = "" if trial.is_sure_of(metric) or metric not in trial.metrics else "*"
    return f"{human_metric(metric, trial.metrics.get(metric))}{star}"


def footnote(trials: Iterable[Trial], metrics: Iterable[str]) -> str | None:
    """Explain the star where one of these trials has one in one of these metrics."""
    shown = tuple(metrics)
    has_star = any(not trial.is_sure_of(metric) and metric in trial.metrics for trial in trials for metric in shown)
    return FOOTNOTE if has_star else None
