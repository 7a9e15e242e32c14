"""Where a search begins: points that are tried first, and trials of an earlier study that it learns from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from automl.core.pareto import pareto_front
from automl.core.space import SearchSpace
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.core.value import Point, Scalar
from automl.errors import UsageError
from automl.storage.store import TrialStore

_COLUMN_PREFIX = "param."


@dataclass(frozen=True)
class Start:
    """What a search begins with.

    Attributes:
        points: Canonical points that are evaluated before any that a sampler proposes.
        earlier_trials: Trials of another study that the sampler learns from; they are no rows of this one.
    """

    points: Sequence[dict[str, Scalar]] = ()
    earlier_trials: Sequence[Trial] = ()


NO_START = Start()
"""The start of a search without points or trials to begin with."""


def read_points(file: Path, space: SearchSpace) -> list[dict[str, Scalar]]:
    """Read points from a JSON file: a list of objects, parameter to value.

    What ``automl pareto STUDY --format json`` prints is such a file: of a key ``param.x``, ``x`` counts, and where
    there are such keys, no others do. Parameters that do not apply may be null or absent.

    Raises:
        UsageError: If the file cannot be read, or a point does not fit the space; nothing is left out silently.
    """
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{file} cannot be read as JSON: {error}; give a list of points") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{file} is no list of objects, parameter to value; see `automl pareto STUDY --format json`")
    return [_point(row, space, f"{file}, point {number}") for number, row in enumerate(rows, start=1)]


def earlier_study(store: TrialStore, spec: StudySpec) -> Start:
    """Begin with the front of an earlier study of the same data, and let the sampler learn from all its trials.

    The trials of its front belong to this study too once they are evaluated in it; with the stage cache that
    costs next to nothing. Trials outside this space, or without one of its objectives, are left out.

    Raises:
        UsageError: If the earlier study is on other data, or measured for another target.
    """
    earlier = store.spec
    for fact, before, now in (
        ("data", earlier.dataset_fingerprint, spec.dataset_fingerprint),
        ("target", str(earlier.target), str(spec.target)),
    ):
        if before != now:
            raise UsageError(
                f"study {earlier.name!r} is on another {fact} ({before[:12]}, not {now[:12]}): its figures say nothing "
                "about this search; leave --from-study out"
            )
    metrics = {objective.metric for objective in spec.objectives}
    earlier_trials = [
        trial
        for trial in store.read()
        if _fits(trial.point, spec.space) and (metrics <= trial.metrics.keys() or not trial.metrics)
    ]
    front = [spec.space.canonical(trial.point) for trial in pareto_front(earlier_trials, spec.objectives)]
    return Start(points=front, earlier_trials=earlier_trials)


def _point(row: dict[str, Scalar | None], space: SearchSpace, place: str) -> dict[str, Scalar]:
    columns = {
        name.removeprefix(_COLUMN_PREFIX): value for name, value in row.items() if name.startswith(_COLUMN_PREFIX)
    }
    given = {name: value for name, value in (columns or row).items() if value is not None}
    known = {parameter.name for parameter in space.parameters}
    for name in given.keys() - known - space.constants.keys():
        nearest = " or ".join(get_close_matches(name, known, n=2)) or f"one of {', '.join(sorted(known))}"
        raise UsageError(f"{place}: the space has no parameter {name!r}; did you mean {nearest}?")
    try:
        return space.canonical(given)
    except ValueError as error:
        raise UsageError(f"{place}: {error}; correct the point") from None


def _fits(point: Point, space: SearchSpace) -> bool:
    try:
        return space.canonical(point) == dict(point)
    except ValueError:
        return False
