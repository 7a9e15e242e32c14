"""The whole contract of a search strategy: what a plugin that proposes points is made with, asked and told.

A strategy maximises one number. Turning several objectives, constraints and failures into it, and never running
a point twice, is the search's work. Ship one with a line in your ``pyproject.toml``::

    [project.entry-points."automl.samplers"]
    my_strategy = "my_package:MyStrategy"

and ``automl search --sampler my_strategy`` uses it. Where it needs a package that is not installed, let the import
of its module raise ``ImportError`` with the line that installs it.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from automl.core.parameter import Categorical, Condition, Domain, Integer, Parameter, Real
from automl.core.value import Point, Scalar

__all__ = ["Categorical", "Condition", "Domain", "Integer", "Parameter", "Point", "Real", "Scalar", "Strategy"]


class Strategy(ABC):
    """Proposes points, and learns from the rewards that they earn.

    The same arguments and the same calls give the same points: draw from generators made of ``seed``, never from
    global ones. An exception ends the search.

    Args:
        parameters: The dimensions of the space, one at least, parents before the parameters that depend on them.
        constants: What the space fixes; a parameter's condition may name one.
        seed: Of every draw.

    Attributes:
        name: What users write after ``--sampler``; lower case, underscores.
        paper: Authors, title, year.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""

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
