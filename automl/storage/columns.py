"""The columns of the trial store: which a study has, and a trial as a row of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum

from automl.core.domain import Domain
from automl.core.fidelity import Transition
from automl.core.installed_metrics import metric_named
from automl.core.metric import Unit
from automl.core.study import SCHEMA_VERSION, StudySpec
from automl.core.trial import Trial, TrialState
from automl.core.value import Scalar
from automl.core.width import LayerWidth
from automl.errors import StoreError
from automl.measurements import score_of, study_measurements

Structs = Sequence[Mapping[str, Scalar | None]]
"""Several values of one shape, each with the same fields."""

Cell = Scalar | datetime | Structs | None
"""What a row holds in one column; None where the trial has no such value."""

BASE_SECONDS = ("build", "fit", "prune", "quantize", "export", "measure", "wait", "total")
"""Steps that every file has a column for."""

CACHED_STEPS = ("fit", "prune", "quantize", "once", "teacher")
"""Steps whose results are shared between trials."""

_ORDER = (
    *("study", "number", "state", "seed", "param", "metric", "constraint", "seconds", "cached"),
    *("epochs_trained", "artifact", "artifact_sha256", "parity_layer", "fidelity", "widths"),
    *("notes", "error", "error_traceback"),
    *("started_at", "finished_at", "host", "versions", "schema_version"),
)
"""Columns, or groups of them, as they stand in a file."""


class Kind(StrEnum):
    """Type of a column, the same in every file of a study."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"
    TIME = "time"
    WIDTHS = "widths"


def columns(spec: StudySpec, trials: Iterable[Trial] = ()) -> dict[str, Kind]:
    """List the columns of a study in their order: the fixed ones, and those that ``trials`` add."""
    trials = list(trials)
    measurements = study_measurements(spec.wished_metrics, score=score_of(spec.task))
    measured = [metric.name for each in measurements for metric in each.metrics()]
    metrics = _union(measured, spec.wished_metrics, *(trial.metrics for trial in trials))
    constraints = _union((str(c) for c in spec.constraints), *(trial.constraints for trial in trials))
    seconds = _union(BASE_SECONDS, *(trial.seconds for trial in trials))
    versions = _union(spec.versions, *(trial.versions for trial in trials))
    return {
        "study": Kind.TEXT,
        "number": Kind.INTEGER,
        "state": Kind.TEXT,
        "seed": Kind.INTEGER,
        **{f"param.{parameter.name}": _domain_kind(parameter.domain) for parameter in spec.space.parameters},
        **{f"metric.{name}": _metric_kind(name) for name in metrics},
        **{f"constraint.{text}": Kind.REAL for text in constraints},
        **{f"seconds.{step}": Kind.REAL for step in seconds},
        **{f"cached.{step}": Kind.BOOLEAN for step in CACHED_STEPS},
        "epochs_trained": Kind.INTEGER,
        "artifact": Kind.TEXT,
        "artifact_sha256": Kind.TEXT,
        "parity_layer": Kind.TEXT,
        **{f"fidelity.{transition}": Kind.REAL for transition in Transition},
        "widths": Kind.WIDTHS,
        "notes": Kind.TEXT,
        "error": Kind.TEXT,
        "error_traceback": Kind.TEXT,
        "started_at": Kind.TIME,
        "finished_at": Kind.TIME,
        "host": Kind.TEXT,
        **{f"versions.{library}": Kind.TEXT for library in versions},
        "schema_version": Kind.INTEGER,
    }


def in_order(names: Iterable[str]) -> list[str]:
    """Bring the names of columns into the order of ``columns``, however many files they come from."""
    return sorted(names, key=lambda name: (*_ORDER, _group_name(name)).index(_group_name(name)))


def row_of(trial: Trial, spec: StudySpec) -> dict[str, Cell]:
    """Flatten a trial; a column that is absent from the row is null.

    A metric that is not a number is left out. A violation that is not a number becomes infinite: a limit
    that could not be checked is not kept.

    Raises:
        StoreError: If the point has a parameter that the study's space does not declare.
    """
    declared = {parameter.name for parameter in spec.space.parameters}
    foreign = sorted(set(trial.point) - declared)
    if foreign:
        raise StoreError(
            f"trial {trial.number} has the parameter {foreign[0]!r}, which study {spec.name!r} does not declare; "
            "write it to the study that it was drawn from"
        )
    return {
        "study": spec.name,
        "number": trial.number,
        "state": trial.state.value,
        "seed": trial.seed,
        **{f"param.{name}": value for name, value in trial.point.items()},
        **{f"metric.{name}": _metric_cell(name, value) for name, value in trial.metrics.items()},
        **{f"constraint.{text}": _violation_cell(value) for text, value in trial.constraints.items()},
        **{f"seconds.{step}": value for step, value in trial.seconds.items()},
        **{f"cached.{step}": is_cached for step, is_cached in trial.cached.items()},
        "epochs_trained": trial.epochs_trained,
        "artifact": trial.artifact,
        "artifact_sha256": trial.artifact_sha256,
        "parity_layer": trial.parity_layer,
        **{f"fidelity.{transition}": gap for transition, gap in trial.fidelity.items()},
        "widths": [asdict(width) for width in trial.widths] or None,
        "notes": "\n".join(trial.notes) or None,
        "error": trial.error,
        "error_traceback": trial.error_traceback,
        "started_at": trial.started_at.astimezone(UTC),
        "finished_at": trial.finished_at.astimezone(UTC),
        "host": trial.host,
        **{f"versions.{library}": version for library, version in trial.versions.items()},
        "schema_version": SCHEMA_VERSION,
    }


def trial_of(row: Mapping[str, Cell]) -> Trial:
    """Turn a row back into the trial; what is null is absent.

    Raises:
        KeyError: If a fixed column is missing.
        TypeError, ValueError: If a value is not of its column's type.
    """
    return Trial(
        number=_integer(row["number"]),
        state=TrialState(str(row["state"])),
        point={name: value for name, value in _group(row, "param").items() if isinstance(value, Scalar)},
        seed=_integer(row["seed"]),
        started_at=_time(row["started_at"]),
        finished_at=_time(row["finished_at"]),
        host=str(row["host"]),
        metrics=_numbers(row, "metric"),
        constraints=_numbers(row, "constraint"),
        seconds=_numbers(row, "seconds"),
        cached={step: cell for step, cell in _group(row, "cached").items() if isinstance(cell, bool)},
        epochs_trained=_integer(row["epochs_trained"]),
        artifact=_text(row["artifact"]),
        artifact_sha256=_text(row.get("artifact_sha256")),
        parity_layer=_text(row.get("parity_layer")),
        fidelity={Transition(name): gap for name, gap in _numbers(row, "fidelity").items()},
        widths=_widths(row.get("widths")),
        notes=tuple((_text(row.get("notes")) or "").splitlines()),
        error=_text(row["error"]),
        error_traceback=_text(row["error_traceback"]),
        versions={library: str(version) for library, version in _group(row, "versions").items()},
    )


def _union(*names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for group in names for name in group))


def _domain_kind(domain: Domain) -> Kind:
    return {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.REAL, str: Kind.TEXT}[domain.value_type]


def _metric_kind(name: str) -> Kind:
    metric = metric_named(name)
    if metric.unit is Unit.FLAG:
        return Kind.BOOLEAN
    return Kind.INTEGER if metric.is_whole else Kind.REAL


def _metric_cell(name: str, value: float) -> Cell:
    if math.isnan(value):
        return None
    match _metric_kind(name):
        case Kind.BOOLEAN:
            return bool(value)
        case Kind.INTEGER:
            return round(value) if math.isfinite(value) else None
        case _:
            return value


def _violation_cell(value: float) -> Cell:
    return math.inf if math.isnan(value) else value


def _group_name(column: str) -> str:
    return column.partition(".")[0]


def _group(row: Mapping[str, Cell], group: str) -> dict[str, Scalar | datetime | Structs]:
    prefix = f"{group}."
    return {
        name.removeprefix(prefix): cell for name, cell in row.items() if name.startswith(prefix) and cell is not None
    }


def _numbers(row: Mapping[str, Cell], group: str) -> dict[str, float]:
    return {name: float(cell) for name, cell in _group(row, group).items() if isinstance(cell, int | float)}


def _integer(cell: Cell) -> int:
    if not isinstance(cell, int):
        raise TypeError(f"{cell!r} is not a whole number")
    return cell


def _time(cell: Cell) -> datetime:
    if not isinstance(cell, datetime):
        raise TypeError(f"{cell!r} is not a time")
    return cell.astimezone(UTC)


def _widths(cell: Cell) -> tuple[LayerWidth, ...]:
    if cell is None:
        return ()
    if isinstance(cell, Scalar | datetime):
        raise TypeError(f"{cell!r} is not a list of widths")
    return tuple(
        LayerWidth(
            layer=str(width["layer"]),
            before=_integer(width["before"]),
            asked=_real(width["asked"]),
            kept=None if width["kept"] is None else _integer(width["kept"]),
        )
        for width in cell
    )


def _real(cell: Cell) -> float:
    if not isinstance(cell, int | float):
        raise TypeError(f"{cell!r} is not a number")
    return float(cell)


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
