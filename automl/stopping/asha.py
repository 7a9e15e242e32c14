"""The stopping rule that ships, by its name: asynchronous successive halving for several objectives."""

from collections.abc import Sequence

from automl.core.pace import Pace, Promotion
from automl.core.trial import Trial
from automl.core.value import Point
from automl.errors import UsageError
from automl.search_problem import SearchProblem
from automl.stopping.early_stopping import EarlyStopping, Rungs
from automl.stopping.rung_losses import RungLosses
from automl.stopping.unjudged import unjudged_notes
from automl.stopping_rule import PausingRule


class Asha(PausingRule):
    """Asynchronous successive halving: after a tenth of the epochs a trial waits, and the best quarter goes on.

    Trials are compared in every objective: by their validation accuracy at the pause, and by what is known of their
    files before training. No trial waits for others to come.
    """

    name = "asha"
    paper = (
        "Li et al., A System for Massively Parallel Hyperparameter Tuning, 2020; Schmucker et al., Multi-objective "
        "Asynchronous Successive Halving, 2021"
    )

    def __init__(self, problem: SearchProblem) -> None:
        super().__init__(problem)
        if problem.known is None:
            raise UsageError(f"stopping rule {self.name!r} needs to know the size of a network before it is trained")
        self._problem = problem
        self._losses = RungLosses(problem.objectives, problem.known, problem.scored_by)
        self._stopping = EarlyStopping(Rungs.of(self.epochs), self._losses)

    def notes(self) -> Sequence[str]:
        """Say which trials are not judged."""
        problem = self._problem
        return tuple(unjudged_notes(problem.space, self._losses.can_judge, seed=problem.seed, rule=self.name))

    def first_pace(self, point: Point) -> Pace:
        """Let a new trial train up to the first rung."""
        return self._stopping.first_pace(point)

    def note(self, trial: Trial) -> None:
        """Learn where a trial stands."""
        self._stopping.note(trial)

    @property
    def may_promote(self) -> bool:
        """Whether a trial may go on now."""
        return self._stopping.may_promote

    def promote(self) -> Promotion | None:
        """Choose a trial that goes on now."""
        return self._stopping.promote()


class Auto(Asha):
    """What is chosen for you: asha."""

    name = "auto"
