"""A space with every kind of domain, and trials of its points that nobody trained."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from automl.core.domain import Categorical, Integer, Real
from automl.core.objective import Objective
from automl.core.parameter import Condition, Parameter
from automl.core.space import ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState
from automl.core.value import Point

SCORE = "accuracy"
SIZE = "size_bytes"
OBJECTIVES = (Objective.parse(f"{SCORE}:max"), Objective.parse(f"{SIZE}:min"))
EPOCHS = 12
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def small_space() -> SearchSpace:
    """Give a space in which two parameters apply only sometimes."""
    pruned = Condition(parameter="pruner", values=("l1_norm", "fpgm"))
    return space_of(
        Parameter(name="conv_net.width_1", domain=Integer(low=8, high=32, step=8)),
        Parameter(name="conv_net.width_2", domain=Integer(low=4, high=400, log=True)),
        Parameter(name="conv_net.rate", domain=Real(low=1e-4, high=0.1, log=True)),
        Parameter(name="conv_net.residual", domain=Categorical(choices=(False, True))),
        Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm", "fpgm"))),
        Parameter(name="sparsity.level", domain=Real(low=0.1, high=0.7, step=0.1), condition=pruned),
        Parameter(name="sparsity.slope", domain=Real(low=-0.3, high=0.3), condition=pruned),
    )


def space_of(*parameters: Parameter) -> SearchSpace:
    """Give a space of these parameters."""
    return SearchSpace(
        name="small",
        description="A space for tests",
        parameters=parameters,
        constants={"architecture": "conv_net"},
        profiles={Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=0)},
        training=TrainingSettings(epochs=EPOCHS),
        dataset="digits",
        objectives=OBJECTIVES,
    )


def size_of(point: Point) -> float:
    """Give the size that a network of ``small_space`` is taken to have."""
    return 100.0 * float(point["conv_net.width_1"]) + float(point["conv_net.width_2"])


def curve_of(number: int) -> list[float]:
    """Give the scores of a trial after each epoch, which rise; trials differ by chance."""
    generator = random.Random(number)  # noqa: S311 # no secret depends on it
    best = generator.uniform(0.5, 0.95)
    return [best * (1 - 0.6**epoch) for epoch in range(1, EPOCHS + 1)]


def trial_of(number: int, point: Point, state: TrialState = TrialState.COMPLETE, **metrics: float) -> Trial:
    """Make a trial of a point of ``small_space``; one that is complete has a score and a size."""
    whole: Mapping[str, float] = {}
    if state is TrialState.COMPLETE:
        whole = {SCORE: curve_of(number)[-1], SIZE: size_of(point)}
    return Trial(
        number=number,
        state=state,
        point=dict(point),
        seed=0,
        started_at=_WHEN,
        finished_at=_WHEN,
        host="nowhere",
        metrics={**metrics, **whole},
    )


class Sizes:
    """Knows the sizes of all networks of ``small_space``, and nothing else of them."""

    def predict(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """Give the size of each."""
        return [{SIZE: size_of(point)} for point in points]
