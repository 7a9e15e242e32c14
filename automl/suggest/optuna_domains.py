"""Domains as Optuna knows them."""

from functools import singledispatch

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from automl.core.domain import Categorical, Domain, Integer, Real
from automl.core.value import Scalar


@singledispatch
def distribution(domain: Domain) -> BaseDistribution:
    """Give Optuna's distribution of a domain."""
    raise TypeError(f"{domain!r} is no domain that Optuna knows")


@distribution.register
def _(domain: Integer) -> BaseDistribution:
    return IntDistribution(domain.low, domain.high, step=domain.step, log=domain.log)


@distribution.register
def _(domain: Real) -> BaseDistribution:
    return FloatDistribution(domain.low, domain.high, step=domain.step, log=domain.log)


@distribution.register
def _(domain: Categorical) -> BaseDistribution:
    return CategoricalDistribution(domain.choices)


@singledispatch
def suggested(domain: Domain, name: str, trial: optuna.Trial) -> Scalar:  # noqa: ARG001 # of those below
    """Let a trial of Optuna choose a value of a domain, under the name of its parameter."""
    raise TypeError(f"{domain!r} is no domain that Optuna knows")


@suggested.register
def _(domain: Integer, name: str, trial: optuna.Trial) -> Scalar:
    return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)


@suggested.register
def _(domain: Real, name: str, trial: optuna.Trial) -> Scalar:
    value = trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)
    return domain.snapped(value)


@suggested.register
def _(domain: Categorical, name: str, trial: optuna.Trial) -> Scalar:
    return domain.choices[domain.choices.index(trial.suggest_categorical(name, domain.choices))]
