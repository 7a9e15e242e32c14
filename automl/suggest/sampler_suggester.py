"""Turns a sampler of anybody into a suggester: its points are canonical, and never proposed twice."""

import random

from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point, Scalar
from automl.sampler import Sampler
from automl.suggest.proposals import canonical_proposal, unseen_point
from automl.suggest.suggester import point_key

_REPEATS_ALLOWED = 20
"""Known points that a sampler may propose in a row before a random one takes their place (chosen by hand)."""


class SamplerSuggester:
    """Proposes the points of a sampler, never one twice.

    A sampler that repeats a finished point is told of its trial once more, and asked again; if it insists, a random
    unseen point takes its place.

    Args:
        sampler: Made for ``space``.
        space: Where points come from.
        seed: Of the random points.
    """

    def __init__(self, sampler: Sampler, space: SearchSpace, *, seed: int) -> None:
        self._sampler = sampler
        self._space = space
        self._finished: dict[object, Trial] = {}
        self._seen: set[object] = set()
        self._random = random.Random(seed)  # noqa: S311 # no secret depends on it

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before; None where the sampler says that there is none, or none is found.

        Raises:
            SearchError: If the sampler leaves the space.
        """
        for _ in range(_REPEATS_ALLOWED):
            proposed = self._sampler.ask()
            if proposed is None:
                return None
            point = canonical_proposal(self._space, proposed, sampler=self._sampler.name)
            key = point_key(point)
            if key not in self._seen:
                self._seen.add(key)
                return point
            if key in self._finished:
                self._sampler.tell(self._finished[key])
        unseen = unseen_point(self._space, self._random, self._seen)
        if unseen is not None:
            self.reserve(unseen)
        return unseen

    def reserve(self, point: Point) -> None:
        """Take note of a canonical point that is about to be evaluated though the sampler did not propose it."""
        self._seen.add(point_key(point))
        self._sampler.reserve(point)

    def tell(self, trial: Trial) -> None:
        """Pass on a trial of this run or of an earlier one."""
        key = point_key(self._space.canonical(trial.point))
        self._seen.add(key)
        if trial.state is not TrialState.STOPPED:
            self._finished[key] = trial
        self._sampler.tell(trial)
