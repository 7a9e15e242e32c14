"""Turns a strategy, which raises one number, into a suggester with several objectives and constraints."""

import random
from collections.abc import Sequence

from automl.core.objective import Objective
from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point, Scalar
from automl.sampler import Strategy
from automl.suggest.proposals import canonical_proposal, unseen_point
from automl.suggest.reward import Rewards
from automl.suggest.suggester import point_key

_REPEATS_ALLOWED = 20
"""Known points that a sampler may propose in a row before a random one takes their place (chosen by hand)."""


class StrategySuggester:
    """Proposes the points of a strategy, never one twice.

    A strategy that repeats a point is told what that point earned, and asked again; where the point is pending,
    it is told when that ends. If it insists, a random unseen point takes its place.

    Several objectives become one reward by the rank of a trial among those before it; ``Rewards`` says how.

    Args:
        strategy: Made for the parameters of ``space``.
        space: Where points come from.
        objectives: Metrics and their directions.
        seed: Of the random points.
    """

    def __init__(self, strategy: Strategy, space: SearchSpace, objectives: Sequence[Objective], *, seed: int) -> None:
        self._strategy = strategy
        self._space = space
        self._rewards = Rewards(objectives)
        self._pending: dict[tuple[tuple[str, Scalar], ...], list[Point]] = {}
        self._finished: dict[tuple[tuple[str, Scalar], ...], Trial] = {}
        self._random = random.Random(seed)  # noqa: S311 # no secret depends on it

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before; None where 2,000 random draws find none.

        Raises:
            SearchError: If the strategy leaves the space.
        """
        for _ in range(_REPEATS_ALLOWED):
            proposed = self._strategy.ask()
            point = canonical_proposal(self._space, proposed, sampler=self._strategy.name)
            key = point_key(point)
            if key in self._finished:
                self._strategy.tell(proposed, self._rewards.of(self._finished[key]))
                continue
            is_new = key not in self._pending
            self._pending.setdefault(key, []).append(proposed)
            if is_new:
                return point
        unseen = unseen_point(self._space, self._random, self._finished.keys() | self._pending.keys())
        if unseen is not None:
            self.reserve(unseen)
        return unseen

    def reserve(self, point: Point) -> None:
        """Take note of a pending point that the strategy did not propose; the strategy is told its reward as well."""
        self._pending.setdefault(point_key(point), [])

    def tell(self, trial: Trial) -> None:
        """Learn from a trial of this run or of an earlier one; one that was stopped has earned nothing yet."""
        point = self._space.canonical(trial.point)
        key = point_key(point)
        if trial.state is TrialState.STOPPED:
            self.reserve(point)
            return
        self._rewards.add(trial)
        self._finished[key] = trial
        reward = self._rewards.of(trial)
        for proposed in self._pending.pop(key, []) or [point]:
            self._strategy.tell(proposed, reward)
