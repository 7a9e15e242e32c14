"""Which metrics a study measures, and that each gives numbers."""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from numbers import Real

from automl.core.metric import When
from automl.errors import AutomlError, MeasureError, PluginError
from automl.metric import Deployed, Measurement, Score, Sketch
from automl.registry import METRIC, TASK


def usable_measurements() -> list[Measurement]:
    """Give all that are installed and can be used, scores first."""
    found: list[Measurement] = []
    for plugin in METRIC.installed().values():
        with suppress(PluginError):  # it hurts whoever names its metric, who is told why
            found.append(plugin.load()())
    return sorted(found, key=lambda measurement: not isinstance(measurement, Score))


def study_measurements(wished: Iterable[str], *, score: str | None) -> list[Measurement]:
    """Give what each trial of a study measures.

    Args:
        wished: Metrics that the study's objectives and constraints name.
        score: The metric of its task.
    """
    names = {*wished, score}
    return [
        measurement
        for measurement in usable_measurements()
        if measurement.is_always_measured or names & {metric.name for metric in measurement.metrics()}
    ]


def unmeasured_claims() -> list[str]:
    """Say of each metric that several packages claim that no trial measures it."""
    return [
        f"no trial measures {name}: {error}"
        for name, error in METRIC.broken().items()
        if METRIC.installed()[name].rivals
    ]


def score_of(task: str | None) -> str | None:
    """Name the metric that a task is scored by; None where the task is not known here."""
    if task is None or task not in TASK.installed():
        return None
    with suppress(PluginError):
        return TASK.load(task).metric
    return None


def wishable_metrics() -> list[str]:
    """Name what objectives and constraints may be on: what trials measure, or can."""
    return [metric.name for each in usable_measurements() for metric in each.metrics() if metric.when is When.TRIAL]


def values_of(measurement: Measurement, measure: Callable[[], float | Mapping[str, float]]) -> dict[str, float]:
    """Measure, and let nothing pass but finite numbers of the measurement's own metrics.

    Raises:
        MeasureError: Naming the metric, if anything is raised, or something else comes back.
    """
    try:
        found = measure()
    except AutomlError as error:
        raise MeasureError(f"{_named(measurement)}: {error}") from error
    except Exception as error:  # somebody else's code may raise anything
        reason = str(error).strip().partition("\n")[0]
        raise MeasureError(f"{_named(measurement)} raised {type(error).__name__}: {reason}") from error
    values = found if isinstance(found, Mapping) else {measurement.name: found}
    known = {metric.name: metric for metric in measurement.metrics()}
    for name, value in values.items():
        if name not in known:
            raise MeasureError(f"{_named(measurement)} gave {name!r} too; name it in its class variable beside")
        if not isinstance(value, Real) or not math.isfinite(value):
            raise MeasureError(f"{_named(measurement)} gave {value!r} for {name}, which is no finite number")
        low, high = known[name].low, known[name].high
        if not low <= value <= high:
            raise MeasureError(
                f"{_named(measurement)} gave {value!r} for {name}, which is outside {low:g} to {high:g}; "
                "correct the bounds of its Metric, or what it measures"
            )
    return {name: float(value) for name, value in values.items()}


def measured_values(measurement: Measurement, deployed: Deployed) -> dict[str, float]:
    """Measure the metrics of a trial.

    Raises:
        MeasureError: As ``values_of`` does; also where the metric itself is missing.
    """
    values = values_of(measurement, partial(measurement.measure, deployed))
    if measurement.name not in values:
        raise MeasureError(f"{_named(measurement)} did not give it")
    return values


def foreseen(measurement: Measurement, sketch: Sketch) -> float | None:
    """Give what a measurement foresees of a network; None where it does not say.

    Raises:
        MeasureError: As ``values_of`` does.
    """
    told = values_of(measurement, lambda: _only(measurement.name, measurement.foreseen(sketch)))
    return told.get(measurement.name)


def _only(name: str, value: float | None) -> Mapping[str, float]:
    return {} if value is None else {name: value}


def _named(measurement: Measurement) -> str:
    plugin = METRIC.installed().get(measurement.name)
    return f"metric {measurement.name!r}" + (f" of {plugin.distribution}" if plugin is not None else "")
