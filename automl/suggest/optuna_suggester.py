"""Optuna's samplers, asked and told, with several objectives and constraints, and never a point twice."""

import random
import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState as OptunaState

from automl.core.direction import Direction
from automl.core.objective import Objective
from automl.core.space import SearchSpace
from automl.core.trial import Trial, TrialState
from automl.core.value import Point, Scalar
from automl.suggest.optuna_domains import distribution, suggested
from automl.suggest.suggester import point_key, random_point

_REPEATS_ALLOWED = 10
"""Known points that a sampler may propose in a row before a random one takes their place (chosen by hand)."""
_DIRECTIONS = {Direction.MAX: StudyDirection.MAXIMIZE, Direction.MIN: StudyDirection.MINIMIZE}
_STATES = {TrialState.COMPLETE: OptunaState.COMPLETE, TrialState.STOPPED: OptunaState.PRUNED}
_RANDOM_TRIES = 2000
"""Random points of which none is new before the space counts as exhausted."""

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=20),
    "gp": lambda seed: GPSampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed, population_size=20),
    "nsga3": lambda seed: NSGAIIISampler(seed=seed, population_size=20),
    "random": lambda seed: RandomSampler(seed=seed),
}


class OptunaSuggester:
    """Proposes points with one of Optuna's samplers.

    A sampler that repeats itself is asked again; if it insists, a random unseen point takes its place.
    Failed and infeasible trials are told as failed: they have no values to learn from. A trial that was stopped is
    told as pruned; should it go on later, what it then is is told beside that.

    Args:
        space: Where points come from.
        objectives: Metrics and their directions, in the order of the sampler's objectives.
        sampler: A name of ``SAMPLERS``.
        seed: Of the sampler.
    """

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._objectives = tuple(objectives)
        self._distributions = {parameter.name: distribution(parameter.domain) for parameter in space.parameters}
        directions = [_DIRECTIONS[objective.direction] for objective in self._objectives]
        with warnings.catch_warnings():  # `group` separates conditional parameters; Optuna calls it experimental
            warnings.simplefilter("ignore", ExperimentalWarning)
            chosen = SAMPLERS[sampler](seed)
        self._study = optuna.create_study(sampler=chosen, directions=directions)
        self._pending: dict[tuple[tuple[str, Scalar], ...], optuna.Trial] = {}
        self._seen: set[tuple[tuple[str, Scalar], ...]] = set()
        self._random = random.Random(seed)  # noqa: S311 # no secret depends on it

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before; None where 2,000 random draws find none."""
        for _ in range(_REPEATS_ALLOWED):
            trial = self._study.ask()
            point = self._suggest(trial)
            if point_key(point) not in self._seen:
                return self._remember(point, trial)
            self._study.tell(trial, state=OptunaState.FAIL)
        for _ in range(_RANDOM_TRIES):
            point = random_point(self._space, self._random)
            if point_key(point) not in self._seen:
                self.reserve(point)
                return point
        return None

    def reserve(self, point: Point) -> None:
        """Take note of a canonical point that is about to be evaluated though it was not proposed here."""
        self._study.enqueue_trial(dict(point))
        trial = self._study.ask()
        self._remember(self._suggest(trial), trial)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial of this run or of an earlier one."""
        point = self._space.canonical(trial.point)
        key = point_key(point)
        is_complete = trial.state is TrialState.COMPLETE
        values = [trial.metrics[objective.metric] for objective in self._objectives] if is_complete else None
        state = _STATES.get(trial.state, OptunaState.FAIL)
        asked = self._pending.pop(key, None)
        self._seen.add(key)
        if asked is not None:
            for name, violation in trial.constraints.items():
                asked.set_constraint(name, violation)
            self._study.tell(asked, values, state=state)
            return
        self._study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=values,
                params=point,
                distributions={name: self._distributions[name] for name in point},
                constraints=dict(trial.constraints),
            )
        )

    def _remember(self, point: dict[str, Scalar], trial: optuna.Trial) -> dict[str, Scalar]:
        self._seen.add(point_key(point))
        self._pending[point_key(point)] = trial
        return point

    def _suggest(self, trial: optuna.Trial) -> dict[str, Scalar]:
        point: dict[str, Scalar] = {}
        for parameter in self._space.parameters:
            if parameter.is_active({**self._space.constants, **point}):
                point[parameter.name] = suggested(parameter.domain, parameter.name, trial)
        return point
