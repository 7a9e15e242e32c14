"""Our own sampler: models what costs training, knows the rest, and proposes what should improve the front most."""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from automl.core.objective import Constraint, Objective
from automl.core.pareto import pareto_front
from automl.core.space import SearchSpace
from automl.core.stage import Stage
from automl.core.trial import Trial
from automl.core.value import Point, Scalar
from automl.search_problem import Cost, KnownMetrics
from automl.suggest.acquisition_function import AcquisitionFunction, Observations, is_informative
from automl.suggest.candidate_pool import mutations, random_points, whole_space
from automl.suggest.described_points import Describe, DescribedPoints, PointDescriber
from automl.suggest.expected_improvement import Vector
from automl.suggest.initial_design import latin_hypercubes, maximum_entropy_design
from automl.suggest.suggester import point_key

_ENUMERATED = 16_384
"""A space of at most so many points is scored as a whole, where predictions cost microseconds (chosen by hand)."""
_EMULATED = 2048
"""The same, where the predictor is slow and emulated (chosen by hand)."""
_RANDOM = 512
_MUTATED = 512
_ROUNDS = 2
_PARENTS = 12
"""Of a larger space so many random points and mutations of the front are scored; then, in each of so many rounds,
mutations of the best of them (chosen by hand, so that a proposal takes tenths of a second:
benchmarks/search/suggest_time.py)."""
_DESIGN = 12
"""Points of the initial design (chosen by hand)."""
_DESIGNS = 8
"""Latin hypercubes held ready, where points of the initial design cannot be feasible."""
_TRIES = 4096
"""Random points among which a new one is looked for, where neither a design nor a model has any."""
_COSTED = 256
"""The most promising points, of which it is asked what they cost: some tenths of a second."""
_FIXED_COST = 0.15
"""Share of a trial's time that no cache saves: export, measurement, the engine (benchmarks/trial_overhead.py)."""


class AutoSuggester:
    """Proposes points by expected hypervolume improvement over a pool of points that were never tried.

    The initial design is a Latin hypercube. Every proposal depends on the seed, on the finished trials and on the
    pending ones alone, so a study that is resumed goes on as it would have.

    Args:
        space: Where points come from.
        objectives: What is better.
        seed: Of every draw.
        constraints: What a network must keep to. Those that trials of an earlier run name count as well.
        known: Predicts metrics before training; where absent, every objective is modelled.
        predictions: How many points ``known`` is asked about for one proposal; a model of its answers chooses them.
            All where absent: for a predictor that takes microseconds.
        cost: What points cost to train. What a point promises is divided by the square root of what its trial costs:
            half way from the most improvement a trial to the most improvement a second.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        *,
        seed: int,
        constraints: Sequence[Constraint] = (),
        known: KnownMetrics | None = None,
        predictions: int | None = None,
        cost: Cost | None = None,
    ) -> None:
        self._space = space
        self._objectives = tuple(objectives)
        self._constraints = tuple(constraints)
        self._seed = seed
        self._predictions = predictions if known is not None else None
        self._cost = cost
        metrics = dict.fromkeys([*(one.metric for one in objectives), *(one.metric for one in constraints)])
        self._describer = PointDescriber(space, known, list(metrics), seed=seed)
        self._all = whole_space(space, _ENUMERATED if self._predictions is None else _EMULATED)
        self._finished: dict[object, Trial] = {}
        self._pending: dict[object, dict[str, Scalar]] = {}
        self._design: list[dict[str, Scalar]] | None = None
        self._everything: DescribedPoints | None = None

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before; None where the space has no more."""
        generator = np.random.default_rng([self._seed, len(self._finished), len(self._pending)])
        trials = sorted(self._finished.values(), key=lambda trial: trial.number)
        informative = sum(is_informative(trial, self._objectives) for trial in trials)
        if len(self._finished) + len(self._pending) < _DESIGN or informative < 2:
            point = self._designed()
            point = self._any(generator) if point is None else point
        else:
            point = self._best(trials, generator)
        if point is not None:
            self._pending[point_key(point)] = point
        return point

    def reserve(self, point: Point) -> None:
        """Take note of a canonical point that is about to be evaluated though it was not proposed here."""
        self._pending[point_key(point)] = dict(point)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial of this run or of an earlier one."""
        key = point_key(self._space.canonical(trial.point))
        self._pending.pop(key, None)
        self._finished[key] = trial

    def _designed(self) -> dict[str, Scalar] | None:
        """Give the next point of the design that is new and may keep to the constraints."""
        if self._design is None:
            self._design = self._made_design()
        return next(
            (point for point in self._design if not self._is_seen(point) and self._may_be_feasible(point)), None
        )

    def _made_design(self) -> list[dict[str, Scalar]]:
        """Choose the design, and more of its kind for points that cannot be feasible."""
        describer, more = self._describer, latin_hypercubes(self._space, _DESIGN, seed=self._seed)
        if not describer.groups:  # there is nothing to choose
            return [next(more)]
        describe = describer.describe if self._predictions is None else describer.emulator([])
        chosen = maximum_entropy_design(
            self._space, _DESIGN, describe=describe, groups=describer.groups, seed=self._seed
        )
        return [*chosen, *islice(more, _DESIGNS * _DESIGN)]

    def _may_be_feasible(self, point: Point) -> bool:
        predictions = self._describer.describe([point]).predictions
        return not any(
            constraint.violation(float(predictions[constraint.metric].values[0])) > 0
            for constraint in self._constraints
            if constraint.metric in predictions
        )

    def _any(self, generator: np.random.Generator) -> dict[str, Scalar] | None:
        """Give a random new point, where a design or a model has none."""
        drawn = random_points(self._space, _TRIES, generator) if self._all is None else self._all
        new = [point for point in drawn if not self._is_seen(point)]
        return dict(new[generator.integers(len(new))]) if new else None

    def _best(self, trials: Sequence[Trial], generator: np.random.Generator) -> dict[str, Scalar] | None:
        finished, pending = [self._space.canonical(trial.point) for trial in trials], list(self._pending.values())
        describe: Describe = self._describer.describe
        if self._predictions is not None:
            describe = self._describer.emulator([*finished, *pending])
        pool = self._whole(describe) if self._all is not None else describe(self._drawn(trials, generator))
        if not pool.points:
            return None
        described = self._describer.describe(finished)
        largest = {metric: float(np.nanmax(predicted.values)) for metric, predicted in pool.predictions.items()}
        observed = Observations(trials, described, self._describer.describe(pending), largest)
        acquisition = AcquisitionFunction(observed, self._objectives, self._constraints, groups=self._describer.groups)
        scores = acquisition.scores(pool)
        for _ in range(_ROUNDS if self._all is None else 0):
            best = pool.only(np.argsort(-scores, kind="stable")[:_PARENTS])
            near = self._new(mutations(self._space, best.points, _MUTATED, generator))
            if near:
                found = describe(near)
                pool, scores = pool.joined(found), np.concatenate([scores, acquisition.scores(found)])
        if self._predictions is not None:
            shortlist = self._best_first(pool, scores)[: self._predictions]
            pool = self._describer.describe(pool.only(shortlist).points)
            scores = acquisition.scores(pool)
        return self._chosen(pool, scores, acquisition)

    def _whole(self, describe: Describe) -> DescribedPoints:
        """Describe all points of a small space that are left, once where the predictor itself is asked."""
        if self._everything is None or self._predictions is not None:
            self._everything = describe(self._all or [])
        return self._everything.only([i for i, point in enumerate(self._all or []) if not self._is_seen(point)])

    def _drawn(self, trials: Sequence[Trial], generator: np.random.Generator) -> list[dict[str, Scalar]]:
        good = [trial for trial in trials if is_informative(trial, self._objectives)]
        front = pareto_front(trials, self._objectives) or good
        drawn = [
            *random_points(self._space, _RANDOM, generator),
            *mutations(self._space, [trial.point for trial in front], _MUTATED, generator),
        ]
        if self._cost is not None:  # other ways to compress the networks that are trained
            tried, trained = [trial.point for trial in good], self._space.owners(Stage.ARCHITECTURE)
            drawn += mutations(self._space, tried, _MUTATED, generator, keeping=trained)
        return self._new(drawn)

    def _new(self, points: Iterable[dict[str, Scalar]]) -> list[dict[str, Scalar]]:
        """Keep the points that were never proposed, once each."""
        unique = {point_key(point): point for point in points}
        return [point for key, point in unique.items() if key not in self._finished and key not in self._pending]

    def _chosen(
        self, pool: DescribedPoints, scores: Vector, acquisition: AcquisitionFunction
    ) -> dict[str, Scalar] | None:
        if not scores.max() > 0:  # nothing is expected of any point: rather one that may be feasible than none
            scores = acquisition.feasibility(pool)
        if not scores.max() > 0:
            return None
        return dict(pool.points[self._best_first(pool, scores)[0]])

    def _best_first(self, pool: DescribedPoints, scores: Vector) -> npt.NDArray[np.intp]:
        """Order the most promising points by what they promise for what they cost, as indices."""
        best = np.argsort(-scores, kind="stable")
        if self._cost is None:
            return best
        best = best[:_COSTED]
        costs = np.array(self._cost([pool.points[index] for index in best]))
        worth = scores[best] / np.sqrt(_FIXED_COST + (1 - _FIXED_COST) * costs)
        return best[np.argsort(-worth, kind="stable")]

    def _is_seen(self, point: Point) -> bool:
        key = point_key(point)
        return key in self._finished or key in self._pending
