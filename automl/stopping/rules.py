"""Makes the stopping rule of a name, as a search asks it."""

from typing import Protocol

from automl.core.pace import Pace, Promotion
from automl.core.trial import Trial
from automl.core.value import Point
from automl.errors import UsageError
from automl.registry import STOPPING
from automl.search_problem import SearchProblem
from automl.stopping.answering_rule import AnsweringRule
from automl.stopping.each_epoch import EachEpoch
from automl.stopping_rule import PausingRule, StoppingRule


class Pacer(Protocol):
    """Tells a search how far each trial trains; ``PausingRule`` says what each method does."""

    def first_pace(self, point: Point) -> Pace:
        """Say how far a new trial trains."""
        ...

    def note(self, trial: Trial) -> None:
        """Learn where a trial stands, in this run or after an earlier one."""
        ...

    @property
    def may_promote(self) -> bool:
        """Whether a trial that waits may go on now."""
        ...

    def promote(self) -> Promotion | None:
        """Choose a trial that goes on now; None where none may."""
        ...


def make_rule(name: str, problem: SearchProblem) -> StoppingRule | PausingRule:
    """Make a stopping rule by name.

    Raises:
        PluginError: If there is none, or it cannot be used.
        UsageError: If it is neither of the two classes of the contract.
    """
    rule = STOPPING.load(name)(problem)
    if isinstance(rule, StoppingRule | PausingRule):
        return rule
    raise UsageError(f"stopping rule {name!r} is neither a StoppingRule nor a PausingRule; derive it from one of them")


def pacer_of(rule: StoppingRule | PausingRule, problem: SearchProblem) -> Pacer:
    """Let a rule tell a search how far each trial trains."""
    if isinstance(rule, PausingRule):
        return AnsweringRule(rule)
    return EachEpoch(rule, score=problem.scored_by, epochs=problem.space.training.epochs)
