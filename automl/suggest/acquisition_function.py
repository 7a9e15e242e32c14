"""The acquisition function: the hypervolume that points not yet tried are expected to add, by the trials so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from automl.core.direction import Direction
from automl.core.installed_metrics import metric_named
from automl.core.objective import Constraint, Objective
from automl.core.pareto import Losses, non_dominated
from automl.core.trial import Trial, TrialState
from automl.errors import UsageError
from automl.suggest.box_decomposition import box_decomposition
from automl.suggest.described_points import DescribedPoints
from automl.suggest.expected_improvement import Forecast, Vector, expected_hypervolume_improvement
from automl.suggest.known_metrics import Correction
from automl.suggest.loss_model import LossModel, loss_of

_USEFUL_PART = 0.15
"""Where the reference point lies in accuracy, and in other metrics that have errors: from the best value down by this
part of the way to 0, below which a network is worth no place on the front (chosen by hand)."""
_BEYOND = 0.1
_FACTOR_BEYOND = 1.0
"""How far beyond the reference point losses are told apart, by the distance from the best loss to it; outliers further
off, as of networks that give all images one answer, are clipped to that. Where objectives are compared by factors it is
more: the smallest networks promise much there, and one that gives a constant answer must not look like a near miss
(chosen by hand)."""
_TRUSTED = 0.6
"""Share of a model's deviation that counts: priors for few trials leave it too wide, and it pays to trust the mean.
Found with benchmarks/search/compare_samplers.py on its tables, one of them of our own trials on digits."""
_WIDE = 30.0
"""An objective whose losses differ by more than this factor is compared by factors: half the size is then worth as much
at 5 kB as at 500 kB (chosen by hand)."""
_OUTCOME = {TrialState.COMPLETE: -1.0, TrialState.STOPPED: -1.0, TrialState.FAILED: 1.0, TrialState.INFEASIBLE: 1.0}


@dataclass(frozen=True)
class Observations:
    """What a proposal rests on.

    Attributes:
        trials: The finished trials, by number.
        described: The points of the finished trials.
        pending: The points of pending trials, which run now.
        largest: The largest prediction of each metric, of all points that may still be proposed.
    """

    trials: Sequence[Trial]
    described: DescribedPoints
    pending: DescribedPoints
    largest: Mapping[str, float]


class AcquisitionFunction:
    """Scores points by the expected improvement of the hypervolume, times the probability that they are feasible.

    An objective that is predicted before training is taken as predicted, up to a factor that is learnt from trials; any
    other is modelled by a Gaussian process. Pending trials count as if they had ended as expected (Ginsbourger et al.
    2010, "kriging believer").

    Args:
        observed: The trials so far.
        objectives: What is better.
        constraints: What a point must keep to, beside those that trials name.
        groups: Which columns of a row share a length scale.
    """

    def __init__(
        self,
        observed: Observations,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        *,
        groups: Sequence[int],
    ) -> None:
        self._observed = observed
        self._groups = groups
        self._objectives = objectives
        self._corrections = {metric: self._correction(metric) for metric in observed.described.predictions}
        whole = [trial for trial in observed.trials if trial.is_feasible and is_informative(trial, objectives)]
        losses = [tuple(loss_of(o, trial.metrics[o.metric]) for o in objectives) for trial in whole]
        self.front = [whole[index] for index in non_dominated(losses)]
        self._limits: dict[str, Constraint | None] = {
            key: _parsed(key) for one in observed.trials for key in one.constraints
        }
        self._limits |= {str(constraint): constraint for constraint in constraints}
        self._reference = tuple(self._worst(objective) for objective in objectives)
        self._is_by_factor = self._wide_objectives(losses)
        self._models = {
            o: self._objective_model(o, worst) for o, worst in zip(objectives, self._reference, strict=True)
        }
        self._violations = {text: self._violation_model(text) for text in self._limits}
        self._failures = self._failure_model()
        if observed.pending.points:
            losses += self._believe_pending()
        kept = [self._scaled(losses[index]) for index in non_dominated(losses)]
        self._boxes = box_decomposition(kept, self._scaled(self._reference))

    def scores(self, described: DescribedPoints) -> Vector:
        """Give the expected hypervolume improvement of each point, times its feasibility."""
        forecasts = [self._forecast(objective, described) for objective in self._objectives]
        forecasts = [
            Forecast(one.mean, one.deviation) if is_by_factor else one  # of the logarithm, which is normal
            for one, is_by_factor in zip(forecasts, self._is_by_factor, strict=True)
        ]
        return expected_hypervolume_improvement(forecasts, self._boxes) * self.feasibility(described)

    def feasibility(self, described: DescribedPoints) -> Vector:
        """Give the probability that a point keeps to all constraints and does not fail; 0 where that is known."""
        probability = np.ones(len(described.points))
        for text, constraint in self._limits.items():
            model = self._violations[text]
            holds = model.forecast(described.rows).probability_below(0.0) if model is not None else 1.0
            if constraint is not None and constraint.metric in self._corrections:
                known, is_known = self._known(constraint.metric, described)
                below = known.probability_below(constraint.limit)
                holds = np.where(is_known, below if constraint.operator == "<=" else 1 - below, holds)
            probability *= holds
        if self._failures is not None:
            probability *= self._failures.forecast(described.rows).probability_below(0.0)
        return probability

    def _forecast(self, objective: Objective, described: DescribedPoints) -> Forecast:
        model = self._models[objective]
        if model is None:
            return self._known(objective.metric, described)[0]
        modelled = model.forecast(described.rows)
        modelled = replace(modelled, deviation=_TRUSTED * modelled.deviation)
        if objective.metric not in self._corrections or not modelled.is_logarithmic:
            return modelled
        known, is_known = self._known(objective.metric, described)
        return Forecast(
            np.where(is_known, known.mean, modelled.mean),
            np.where(is_known, known.deviation, modelled.deviation),
            is_logarithmic=True,
        )

    def _known(self, metric: str, described: DescribedPoints) -> tuple[Forecast, npt.NDArray[np.bool_]]:
        prediction = described.predictions[metric]
        forecast = self._corrections[metric].forecast(prediction.values, prediction.deviations)
        return forecast, np.isfinite(prediction.values)

    def _correction(self, metric: str) -> Correction:
        predicted = self._observed.described.predictions[metric].values
        measured = np.array([trial.metrics.get(metric, np.nan) for trial in self._observed.trials], dtype=float)
        is_tested = np.isfinite(predicted) & (measured > 0)
        return Correction.of(predicted[is_tested], measured[is_tested])

    def _objective_model(self, objective: Objective, worst: float) -> LossModel | None:
        """Model an objective, unless it is known of all points."""
        metric = objective.metric
        if metric in self._corrections and objective.direction is Direction.MIN:
            described = (self._observed.described, self._observed.pending)
            if all(np.isfinite(some.predictions[metric].values).all() for some in described):
                return None
        chosen = [index for index, trial in enumerate(self._observed.trials) if is_informative(trial, (objective,))]
        losses = np.array([loss_of(objective, self._observed.trials[index].metrics[metric]) for index in chosen])
        outliers_above = worst + (_FACTOR_BEYOND if any(self._is_by_factor) else _BEYOND) * (worst - losses.min())
        rows, is_positive = self._observed.described.rows[chosen], bool((losses > 0).all())
        return LossModel(rows, losses, groups=self._groups, outliers_above=outliers_above, is_logarithmic=is_positive)

    def _violation_model(self, text: str) -> LossModel | None:
        chosen = [index for index, trial in enumerate(self._observed.trials) if text in trial.constraints]
        violations = np.array([self._observed.trials[index].constraints[text] for index in chosen])
        return self._model(chosen, violations)

    def _failure_model(self) -> LossModel | None:
        outcomes = np.array([_OUTCOME[trial.state] for trial in self._observed.trials])
        return self._model(range(len(outcomes)), outcomes) if (outcomes > 0).any() else None

    def _model(self, chosen: Sequence[int], values: Vector) -> LossModel | None:
        if len(chosen) == 0:
            return None
        return LossModel(self._observed.described.rows[list(chosen)], values, groups=self._groups)

    def _worst(self, objective: Objective) -> float:
        """Give the loss of the reference point, beyond which an improvement is worth nothing."""
        informative = [trial for trial in self._observed.trials if is_informative(trial, (objective,))]
        losses = [loss_of(objective, trial.metrics[objective.metric]) for trial in informative]
        if metric_named(objective.metric).has_errors:
            return min(losses) + _USEFUL_PART * (1 - min(losses))
        worst = max(losses)
        if objective.direction is Direction.MIN:
            worst = max(worst, self._observed.largest.get(objective.metric, worst))
            constraints = [one for one in self._limits.values() if one is not None and one.metric == objective.metric]
            worst = min([worst, *(one.limit for one in constraints if one.operator == "<=")])
        return worst + 1e-3 * (abs(worst) or 1.0)

    def _wide_objectives(self, losses: Sequence[Losses]) -> tuple[bool, ...]:
        """Say which objectives are compared by factors; where any is, errors are too."""
        columns = zip(*losses, strict=True) if losses else [()] * len(self._objectives)
        is_wide = [
            objective.direction is Direction.MIN and min(column, default=0.0) > 0 and worst > _WIDE * min(column)
            for objective, worst, column in zip(self._objectives, self._reference, columns, strict=True)
        ]
        are_errors = [metric_named(objective.metric).has_errors for objective in self._objectives]
        return tuple(any(is_wide) if is_error else wide for wide, is_error in zip(is_wide, are_errors, strict=True))

    def _scaled(self, loss: Losses) -> tuple[float, ...]:
        pairs = zip(loss, self._is_by_factor, strict=True)
        return tuple(float(np.log(value)) if is_by_factor else value for value, is_by_factor in pairs)

    def _believe_pending(self) -> list[tuple[float, ...]]:
        pending = self._observed.pending
        expected = [self._forecast(objective, pending) for objective in self._objectives]
        for model in self._models.values():
            if model is not None:
                model.believing(pending.rows)
        believed = [np.exp(one.mean) if one.is_logarithmic else one.mean for one in expected]
        return [tuple(map(float, loss)) for loss in zip(*believed, strict=True)]


def is_informative(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Say whether a trial has measured all objectives; one that ended early counts with what it had reached."""
    is_measured = trial.state in {TrialState.COMPLETE, TrialState.STOPPED}
    return is_measured and all(np.isfinite(trial.metrics.get(o.metric, np.nan)) for o in objectives)


def _parsed(text: str) -> Constraint | None:
    """Read a constraint off the text under which trials keep its violation."""
    try:
        return Constraint.parse(text)
    except UsageError:
        return None
