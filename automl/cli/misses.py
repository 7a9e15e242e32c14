"""Shows what came nearest, for the commands that print a front, where there is none."""

from collections.abc import Sequence

from rich.console import Console

from automl.core.near_miss import nearest_misses
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.report.tables import limit_lines, misses_table


def print_misses(console: Console, trials: Sequence[Trial], spec: StudySpec) -> None:
    """Print the trials that come nearest to keeping every constraint, and how far each constraint is kept.

    Args:
        console: Where to print.
        trials: All trials of the study, of which none is on a front.
        spec: The study.
    """
    if nearest_misses(trials, spec.constraints):
        console.print(misses_table(trials, spec))
    for line in limit_lines(trials, spec):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
