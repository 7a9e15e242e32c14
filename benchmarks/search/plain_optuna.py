"""Optuna's samplers as they come: a point may be proposed again, and is then paid for again."""

import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from tabular_problem import OBJECTIVES

from automl.core.space import SearchSpace
from automl.core.trial import Trial
from automl.core.value import Scalar


class PlainOptuna:
    """Asks and tells one of Optuna's samplers and nothing else.

    Args:
        space: Of choices alone.
        sampler: Of Optuna.
    """

    def __init__(self, space: SearchSpace, sampler: BaseSampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", ExperimentalWarning)
        self._choices = {p.name: p.domain.extremes() for p in space.parameters}
        self._study = optuna.create_study(
            sampler=sampler, directions=["maximize" if one.direction == "max" else "minimize" for one in OBJECTIVES]
        )
        self._running: list[optuna.Trial] = []

    def ask(self) -> dict[str, Scalar]:
        """Propose a point."""
        trial = self._study.ask()
        self._running.append(trial)
        return {name: trial.suggest_categorical(name, choices) for name, choices in self._choices.items()}

    def tell(self, trial: Trial) -> None:
        """Tell what a point turned out to be."""
        asked = next(one for one in self._running if one.params == trial.point)
        self._running.remove(asked)
        self._study.tell(asked, [trial.metrics[objective.metric] for objective in OBJECTIVES])
