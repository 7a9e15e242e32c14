"""Makes the sampler of a name: every one is a plugin, the default too."""

from collections.abc import Sequence

from automl.core.objective import Constraint, Objective
from automl.core.space import SearchSpace
from automl.errors import UsageError
from automl.registry import SAMPLER
from automl.sampler import AnySampler, Sampler, Strategy
from automl.search_problem import Cost, KnownMetrics, SearchProblem
from automl.suggest.suggester import Suggester

_FOR_ONE_POINT = "random"


def sampler_names() -> tuple[str, ...]:
    """List what ``--sampler`` takes, importing none of it."""
    return tuple(SAMPLER.installed())


def sampler_class(name: str) -> type[AnySampler]:
    """Import a sampler by name.

    Raises:
        UsageError: If there is none, naming those that there are.
        PluginError: If it cannot be used.
    """
    check_sampler(name)
    return SAMPLER.load(name)


def check_sampler(name: str) -> None:
    """Refuse a name that no sampler has.

    Raises:
        UsageError: Naming those that there are.
    """
    if name not in sampler_names():
        raise UsageError(f"unknown sampler {name!r}; choose one of {', '.join(sampler_names())}")


def make_suggester(
    space: SearchSpace,
    objectives: Sequence[Objective],
    *,
    sampler: str,
    seed: int,
    constraints: Sequence[Constraint] = (),
    known: KnownMetrics | None = None,
    cost: Cost | None = None,
) -> Suggester:
    """Make the suggester of a name.

    Args:
        space: Where points come from.
        objectives: What is better.
        sampler: A name that ``sampler_names`` lists.
        seed: Of every draw.
        constraints: What a network must keep to.
        known: Predicts metrics before training.
        cost: What points cost to train.

    Raises:
        UsageError: If the name is unknown.
        PluginError: If the sampler cannot be used here.
    """
    problem = SearchProblem(space, tuple(objectives), seed, tuple(constraints), known, cost)
    return suggester_of(sampler_class(sampler), problem)


def suggester_of(chosen: type[AnySampler], problem: SearchProblem) -> Suggester:
    """Make the suggester of a class.

    Raises:
        UsageError: If it is neither of the two classes of the contract.
    """
    from automl.suggest.sampler_suggester import SamplerSuggester
    from automl.suggest.strategy_suggester import StrategySuggester

    space = problem.space
    if issubclass(chosen, Strategy) and not space.parameters:  # one point, and nothing to learn
        chosen = sampler_class(_FOR_ONE_POINT)
    if issubclass(chosen, Strategy):
        strategy = chosen(space.parameters, space.constants, seed=problem.seed)
        return StrategySuggester(strategy, space, problem.objectives, seed=problem.seed)
    if issubclass(chosen, Sampler):
        return SamplerSuggester(chosen(problem), space, seed=problem.seed)
    raise UsageError(f"sampler {chosen.name!r} is neither a Sampler nor a Strategy; derive it from one of them")
