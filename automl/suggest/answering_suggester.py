"""Names the sampler that raised, in one line: it may be anybody's code."""

from automl.core.trial import Trial
from automl.core.value import Point, Scalar
from automl.registry import SAMPLER
from automl.suggest.suggester import Suggester


class AnsweringSuggester:
    """Passes everything on to the suggester of a sampler, and lets that sampler answer for what is raised.

    Args:
        suggester: Of the sampler.
        sampler: Its name.
    """

    def __init__(self, suggester: Suggester, sampler: str) -> None:
        self._suggester = suggester
        self._sampler = sampler

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point.

        Raises:
            SearchError: If the sampler raises, or leaves the space.
        """
        with SAMPLER.answering(self._sampler):
            return self._suggester.ask()

    def reserve(self, point: Point) -> None:
        """Take note of a point that is about to be evaluated; raises as ``ask`` does."""
        with SAMPLER.answering(self._sampler):
            self._suggester.reserve(point)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial; raises as ``ask`` does."""
        with SAMPLER.answering(self._sampler):
            self._suggester.tell(trial)
