"""What a search is about, as the samplers and the stopping rules of anybody see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from automl.core.objective import Constraint, Objective
from automl.core.space import SearchSpace
from automl.core.value import Point

Cost = Callable[[Sequence[Point]], Sequence[float]]
"""From points to what each costs to train: 1 where nothing of it is cached, 0 where all is."""


class KnownMetrics(Protocol):
    """Says what it knows of points that nobody trained."""

    def predict(self, points: Sequence[Point]) -> Sequence[Mapping[str, float]]:
        """Predict metrics of canonical points.

        Returns:
            One mapping a point, metric to value. A metric that cannot be said is left out, and so are all of a
            point that cannot be built.
        """
        ...


@dataclass(frozen=True)
class SearchProblem:
    """What a search is about.

    Attributes:
        space: Where points come from. ``space.parameters`` are its dimensions, parents before the parameters that
            depend on them; ``space.training.epochs`` are those of a whole fit.
        objectives: Metrics and their directions, one at least; ``objective.loss(value)`` is lower where better.
        seed: Of every draw.
        constraints: What a network must keep to.
        known: Says what is known of a point before it is trained; absent for a sampler that does not use predictions.
        cost: What points cost to train; absent likewise.
        score: What trials are scored by while they train, the metric of the task; the first objective where absent.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    seed: int
    constraints: tuple[Constraint, ...] = ()
    known: KnownMetrics | None = None
    cost: Cost | None = None
    score: Objective | None = None

    @property
    def scored_by(self) -> Objective:
        """What trials are scored by while they train."""
        return self.score or self.objectives[0]
