"""Refuses objectives and constraints that make no sense before anything runs."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from automl.core.metric_facts import constraint_fault, contradiction, objective_fault
from automl.core.objective import Constraint, Objective
from automl.errors import UsageError
from automl.measurements import wishable_metrics
from automl.registry import METRIC


def check_wishes(objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> None:
    """Refuse objectives and constraints that make no sense.

    Those are an objective or constraint on what no trial measures, an objective that seeks the worst, and a constraint
    that all networks keep, or none.

    Raises:
        UsageError: Naming the objective or constraint and what to write in its place, or why its metric is unusable.
    """
    _check_measured([*objectives, *constraints])
    metrics = [objective.metric for objective in objectives]
    if len(set(metrics)) < len(metrics):
        raise UsageError(f"objectives {', '.join(map(str, objectives))} name a metric twice; name each once")
    for objective in objectives:
        if (fault := objective_fault(objective)) is not None:
            raise UsageError(f"objective '{objective}' {fault}")
    for constraint in constraints:
        if (fault := constraint_fault(constraint)) is not None:
            raise UsageError(f"constraint '{constraint}' {fault}")
    if (fault := contradiction(tuple(constraints))) is not None:
        raise UsageError(fault)


def _check_measured(wishes: Iterable[Objective | Constraint]) -> None:
    known = wishable_metrics()
    for wish in wishes:
        if wish.metric not in known:
            if wish.metric in METRIC.installed():
                METRIC.load(wish.metric)  # it cannot be used, and says why
            nearest = get_close_matches(wish.metric, known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"choose from {', '.join(known)}"
            raise UsageError(f"{type(wish).__name__.lower()} '{wish}' is on a metric that no trial measures; {hint}")
