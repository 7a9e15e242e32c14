"""A sampler of somebody else, which looks at every objective."""

import random

from automl.core.pareto import pareto_front
from automl.sampler import Point, Sampler, SearchProblem, Trial


class FrontWalk(Sampler):
    """Changes one value of a point on the front of the trials so far."""

    name = "front_walk"

    def __init__(self, problem: SearchProblem) -> None:
        self._problem = problem
        self._random = random.Random(problem.seed)  # noqa: S311 # no secret depends on it
        self._trials: list[Trial] = []

    def ask(self) -> Point:
        drawn = {each.name: each.domain.draw(self._random) for each in self._problem.space.parameters}
        front = pareto_front(self._trials, self._problem.objectives)
        if not front:
            return drawn
        changed = self._random.choice(list(drawn))
        return {**drawn, **self._random.choice(front).point, changed: drawn[changed]}

    def tell(self, trial: Trial) -> None:
        self._trials.append(trial)
