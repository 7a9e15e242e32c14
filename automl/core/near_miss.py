"""What came nearest where no network keeps to every constraint, and which constraint stands in the way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from automl.core.objective import Constraint
from automl.core.trial import Trial, TrialState

SHOWN = 3
"""Trials that break a constraint of which so many, those that come nearest, are kept and shown."""


@dataclass(frozen=True)
class ConstraintTally:
    """How the complete trials of a study stand to one of its constraints.

    Attributes:
        constraint: The limit.
        kept: Trials that keep it.
        trials: Complete trials.
        nearest: The value that comes nearest to the limit, or keeps it best; None where none was measured.
    """

    constraint: Constraint
    kept: int
    trials: int
    nearest: float | None


def nearest_misses(trials: Sequence[Trial], constraints: Sequence[Constraint]) -> list[Trial]:
    """Give the complete trials that break constraints by the least, nearest first; none where a trial keeps to all.

    A trial breaks constraints by the sum of its violations, each as a share of the constraint's limit, so that bytes
    and accuracies compare.
    """
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if any(trial.is_feasible for trial in complete):
        return []
    scales = {str(constraint): abs(constraint.limit) or 1.0 for constraint in constraints}

    def excess(trial: Trial) -> tuple[float, int]:
        broken = [
            violation / scales.get(text, 1.0) for text, violation in trial.constraints.items() if not violation <= 0
        ]
        return (math.inf if any(map(math.isnan, broken)) else sum(broken), trial.number)

    return sorted(complete, key=excess)[:SHOWN]


def tallies(trials: Sequence[Trial], constraints: Sequence[Constraint]) -> list[ConstraintTally]:
    """Count for each constraint the complete trials that keep it; the one that fewest keep comes first."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    found = []
    for constraint in constraints:
        values = [trial.metrics[constraint.metric] for trial in complete if constraint.metric in trial.metrics]
        values = [value for value in values if not math.isnan(value)]
        best = (min if constraint.operator == "<=" else max)(values, default=None)
        kept = sum(trial.constraints.get(str(constraint), math.inf) <= 0 for trial in complete)
        found.append(ConstraintTally(constraint, kept, len(complete), best))
    return sorted(found, key=lambda tally: tally.kept)
