"""Every sampler by its name: Optuna's, and the strategies that plugins bring."""

from collections.abc import Sequence
from typing import Protocol

from automl.core.objective import Objective
from automl.core.space import SearchSpace
from automl.errors import UsageError
from automl.registry import SAMPLER
from automl.suggest.suggester import Suggester

AUTO = "auto"
"""Our own sampler."""


class MakeSuggester(Protocol):
    """Makes a suggester, importing what it needs no sooner than that."""

    def __call__(self, space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> Suggester:
        """Make the suggester of this name."""
        ...


def _auto(space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> Suggester:  # noqa: ARG001 # it has one name
    from automl.suggest.auto_suggester import AutoSuggester

    return AutoSuggester(space, objectives, seed=seed)


def _from_optuna(space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> Suggester:
    from automl.suggest.optuna_suggester import OptunaSuggester

    return OptunaSuggester(space, objectives, sampler=sampler, seed=seed)


def _from_plugin(space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> Suggester:
    from automl.suggest.strategy_suggester import StrategySuggester

    strategy = SAMPLER.load(sampler)
    if not space.parameters:  # one point, and nothing to learn
        return _from_optuna(space, objectives, sampler="random", seed=seed)
    return StrategySuggester(strategy(space.parameters, space.constants, seed=seed), space, objectives, seed=seed)


_BUILT_IN: dict[str, MakeSuggester] = {  # a further suggester is a function like the above, and a line here
    AUTO: _auto,
    "tpe": _from_optuna,
    "gp": _from_optuna,
    "nsga2": _from_optuna,
    "nsga3": _from_optuna,
    "random": _from_optuna,
}


def sampler_names() -> tuple[str, ...]:
    """List what ``--sampler`` takes, importing none of it."""
    return (*_BUILT_IN, *(name for name in SAMPLER.installed() if name not in _BUILT_IN))


def check_sampler(name: str) -> None:
    """Refuse a name that no sampler has.

    Raises:
        UsageError: Naming those that there are.
    """
    if name not in sampler_names():
        raise UsageError(f"unknown sampler {name!r}; choose one of {', '.join(sampler_names())}")


def make_suggester(space: SearchSpace, objectives: Sequence[Objective], *, sampler: str, seed: int) -> Suggester:
    """Make the suggester of a name.

    Args:
        space: Where points come from.
        objectives: What is better.
        sampler: A name that ``sampler_names`` lists.
        seed: Of every draw.

    Raises:
        UsageError: If the name is unknown, or its sampler cannot be used here.
    """
    check_sampler(sampler)
    return _BUILT_IN.get(sampler, _from_plugin)(space, objectives, sampler=sampler, seed=seed)
