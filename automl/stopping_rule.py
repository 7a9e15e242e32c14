"""The whole contract of a stopping rule: what a plugin that ends trials early is made with, told and asked.

Subclass ``StoppingRule`` to look at a trial after each of its epochs, or ``PausingRule`` to let trials wait, and choose
among those that wait which go on. Ship it with a line in your ``pyproject.toml``::

    [project.entry-points."automl.stopping"]
    my_rule = "my_package:MyRule"

and ``automl search --early-stopping my_rule`` uses it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from automl.core.objective import Constraint, Objective
from automl.core.pace import WHOLE, Pace, Promotion, rung_scores
from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point
from automl.search_problem import KnownMetrics, SearchProblem

__all__ = [
    "WHOLE",
    "AnyStoppingRule",
    "Constraint",
    "Curve",
    "KnownMetrics",
    "Objective",
    "Pace",
    "PausingRule",
    "Point",
    "Promotion",
    "SearchProblem",
    "SearchSpace",
    "StoppingRule",
    "Trial",
    "TrialState",
    "rung_scores",
]


class Curve(NamedTuple):
    """How an earlier trial of the study did.

    Attributes:
        scores: Its validation score after each epoch that is known, the higher the better
            whatever the metric.
        is_complete: Whether it came to its end; otherwise it was stopped.
    """

    scores: Mapping[int, float]
    is_complete: bool


class AnyStoppingRule(ABC):
    """What users name after ``--early-stopping``: a ``StoppingRule`` or a ``PausingRule``.

    Args:
        problem: What the search is about.

    Attributes:
        name: Lower case, underscores.
        paper: Authors, title, year.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""

    def __init__(self, problem: SearchProblem) -> None:
        self.epochs = problem.space.training.epochs

    def notes(self) -> Sequence[str]:
        """Say what the user should know before the first trial, a line each; nothing where absent."""
        return ()


class StoppingRule(AnyStoppingRule):
    """Looks at a trial after each of its epochs, and may end it.

    It is copied to the processes that train, so that it must pickle: keep no more of the problem than it needs. A fit
    that is taken from the cache, or that has a teacher, is not looked at.
    """

    @abstractmethod
    def stops(self, scores: Mapping[int, float], earlier: Sequence[Curve]) -> bool:
        """Say whether a trial ends now, by its latest epoch; its row then says STOPPED.

        Args:
            scores: Validation score of its float network after each epoch so far, from 1, the higher the better: an
                error is negated. The last epoch is not asked about.
            earlier: The trials of this study, those of earlier runs too, that had ended when this one began.
        """


class PausingRule(AnyStoppingRule):
    """Says how far each trial trains now; those that wait may go on later, from where they stand."""

    @abstractmethod
    def first_pace(self, point: Point) -> Pace:
        """Say how far a new trial trains; ``WHOLE`` is to its end."""

    @abstractmethod
    def note(self, trial: Trial) -> None:
        """Learn where a trial stands, in this run or after an earlier one.

        Args:
            trial: STOPPED where it waits; ``rung_scores(trial.metrics, problem.scored_by.metric)`` are its scores
                at the epochs that its pace named.
        """

    @property
    @abstractmethod
    def may_promote(self) -> bool:
        """Whether a trial that waits may go on now."""

    @abstractmethod
    def promote(self) -> Promotion | None:
        """Choose a trial that goes on now; None where none may."""
