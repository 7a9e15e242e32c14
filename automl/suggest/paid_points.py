"""The cost of points for a sampler: low where a trial of the study has run their first stages already."""

from collections.abc import Sequence

from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point, Scalar
from automl.pipeline.paid_share import PaidShare
from automl.suggest.suggester import Suggester


class PaidPoints:
    """Says what points still cost to train, as a share of what they would cost had no trial run any of their stages.

    It counts the trials of the study, not the entries of a cache: a search proposes the same with and without one.

    Args:
        space: Of the points.
        seed: Of the study.
    """

    def __init__(self, space: SearchSpace, *, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._share = PaidShare()

    def add(self, point: Point) -> None:
        """Count a point as paid."""
        self._share.add(self._space.recipe(point, seed=self._seed))

    def __call__(self, points: Sequence[Point]) -> list[float]:
        """Give the cost of each point, 0 to 1."""
        return [1.0 - self._share(self._space.recipe(point, seed=self._seed)) for point in points]


class PayingSuggester:
    """Counts the points of another suggester, and the trials of the study, as paid.

    Args:
        suggester: Proposes.
        paid: Is told of every point that runs or ran.
    """

    def __init__(self, suggester: Suggester, paid: PaidPoints) -> None:
        self._suggester = suggester
        self._paid = paid

    def ask(self) -> dict[str, Scalar] | None:
        """Ask the other suggester, and count its proposal as paid."""
        point = self._suggester.ask()
        if point is not None:
            self._paid.add(point)
        return point

    def reserve(self, point: Point) -> None:
        """Count a point that is about to be evaluated as paid, and pass it on."""
        self._paid.add(point)
        self._suggester.reserve(point)

    def tell(self, trial: Trial) -> None:
        """Pass on a trial; one that failed has left nothing to build on."""
        if trial.state in {TrialState.COMPLETE, TrialState.STOPPED}:
            self._paid.add(trial.point)
        self._suggester.tell(trial)
