"""The whole contract of a sampler: what a plugin that proposes points is made with, asked and told.

Subclass ``Sampler`` to see every trial with all its metrics, or ``Strategy`` where one number a point is enough. Ship
it with a line in your ``pyproject.toml``::

    [project.entry-points."automl.samplers"]
    my_sampler = "my_package:MySampler"

and ``automl search --sampler my_sampler`` uses it. Never running a point twice is the search's work. Where a sampler
needs a package that is not installed, let the import of its module raise ``ImportError`` with the line that installs
it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from automl.core.domain import Categorical, Domain, Integer, Real
from automl.core.objective import Constraint, Objective
from automl.core.parameter import Condition, Parameter
from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point, Scalar
from automl.search_problem import Cost, KnownMetrics, SearchProblem

__all__ = [
    "AnySampler",
    "Categorical",
    "Condition",
    "Constraint",
    "Cost",
    "Domain",
    "Integer",
    "KnownMetrics",
    "Objective",
    "Parameter",
    "Point",
    "Real",
    "Sampler",
    "Scalar",
    "SearchProblem",
    "SearchSpace",
    "Strategy",
    "Trial",
    "TrialState",
]


class AnySampler(ABC):
    """What users name after ``--sampler``: a ``Sampler`` or a ``Strategy``.

    Attributes:
        name: Lower case, underscores.
        paper: Authors, title, year.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""


class Sampler(AnySampler):
    """Proposes points, and learns from the trials of them.

    The same problem and the same calls give the same points: draw from generators made of ``problem.seed``, never from
    global ones. An exception ends the search, in one line with the name of the sampler.

    Args:
        problem: What the search is about.

    Attributes:
        uses_predictions: Whether ``problem.known`` and ``problem.cost`` are wanted. The search then learns before the
            first trial how fast this host is, where latency matters.
    """

    uses_predictions: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, problem: SearchProblem) -> None: ...

    @classmethod
    def first_points(cls, space: SearchSpace) -> Sequence[Point]:  # noqa: ARG003 # for those that override it
        """Give canonical points that are tried before the sampler is asked; none where absent."""
        return ()

    @abstractmethod
    def ask(self) -> Point | None:
        """Propose a value of its domain for every parameter; None where the space has no more points.

        Values that a condition leaves out are dropped by the caller. A point may repeat an earlier one: the caller
        tells of its trial once more, and asks again. Several points may be asked before the first of them is told.
        """

    def reserve(self, point: Point) -> None:  # most samplers need not know
        """Take note of a canonical point that is about to be evaluated though it was not proposed here."""

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Learn from a trial of this run or of an earlier one, proposed here or not.

        Args:
            trial: ``trial.point`` holds its active parameters; ``trial.metrics`` all that was measured, whatever the
                objectives, where ``trial.state`` is COMPLETE; ``trial.constraints`` the violation of each constraint,
                at most 0 where it holds. One that is STOPPED may go on later, and is told again.
        """


class Strategy(AnySampler):
    """Proposes points, and learns from the rewards that they earn.

    A strategy maximises one number. Turning several objectives, constraints and failures into it is the search's work.

    The same arguments and the same calls give the same points: draw from generators made of ``seed``, never from
    global ones. An exception ends the search, in one line with the name of the sampler.

    Args:
        parameters: The dimensions of the space, one at least, parents before the parameters that depend on them.
        constants: What the space fixes; a parameter's condition may name one.
        seed: Of every draw.
    """

    @abstractmethod
    def __init__(self, parameters: tuple[Parameter, ...], constants: Point, *, seed: int) -> None: ...

    @abstractmethod
    def ask(self) -> Point:
        """Propose a value of its domain for every parameter.

        Values that a condition leaves out are dropped by the caller. A point may repeat an earlier one: the caller
        tells what that one earned, and asks again. Several points may be asked before the first of them is told.
        """

    @abstractmethod
    def tell(self, point: Point, reward: float) -> None:
        """Learn what a point earned.

        Args:
            point: As ``ask`` gave it; or, of an earlier run, its active parameters alone.
            reward: From 0, a point that failed, to 1; the higher, the better. Told of every point that was asked,
                though not in that order.
        """
