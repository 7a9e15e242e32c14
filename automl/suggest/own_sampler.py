"""Our own sampler by its name; what it needs is imported when a search makes one."""

from collections.abc import Sequence
from typing import ClassVar

from automl.core.space import SearchSpace
from automl.core.trial import Trial
from automl.core.value import Point, Scalar
from automl.sampler import Sampler, SearchProblem
from automl.suggest.initial_points import initial_points

_PREDICTIONS = 48
"""Points of which the predictor is asked before each proposal (chosen by hand: it takes some tenths of a second)."""


class Auto(Sampler):
    """Models what costs training, knows the rest, and proposes what should improve the front most.

    Expected hypervolume improvement over points that were never tried, of several objectives and constraints at once.
    Size, operations and latency are known before training. It begins at the corners of the space, and prefers what
    the trials before have paid for.
    """

    name = "auto"
    paper = (
        "Emmerich, Giannakoglou, Naujoks, Single- and Multiobjective Evolutionary Optimization Assisted by Gaussian "
        "Random Field Metamodels, 2006"
    )
    uses_predictions: ClassVar[bool] = True

    def __init__(self, problem: SearchProblem) -> None:
        from automl.suggest.auto_suggester import AutoSuggester

        self._suggester = AutoSuggester(
            problem.space,
            problem.objectives,
            seed=problem.seed,
            constraints=problem.constraints,
            known=problem.known,
            predictions=_PREDICTIONS,
            cost=problem.cost,
        )

    @classmethod
    def first_points(cls, space: SearchSpace) -> Sequence[Point]:
        """Begin at the corners of the space."""
        return initial_points(space)

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before."""
        return self._suggester.ask()

    def reserve(self, point: Point) -> None:
        """Count a point as running."""
        self._suggester.reserve(point)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial."""
        self._suggester.tell(trial)
