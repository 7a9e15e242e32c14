"""A space of a few points, and studies, trials and command lines made from it."""

from datetime import UTC, datetime

from automl.core.domain import Categorical, Real
from automl.core.objective import Constraint, Objective
from automl.core.parameter import Condition, Parameter
from automl.core.space import ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.study import StudySpec
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState
from automl.testing.small_space import small_space

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OBJECTIVES = (Objective.parse("accuracy:max"), Objective.parse("size_bytes:min"))


class Silent:
    """A listener that keeps what it is told."""

    def __init__(self):
        self.told = []
        self.preparations = []
        self.notes = []

    def on_preparation(self, what):
        self.preparations.append(what)

    def on_note(self, text):
        self.notes.append(text)

    def on_progress(self, progress, trial):
        self.told.append((progress, trial))


def space_of(*parameters) -> SearchSpace:
    return SearchSpace(
        name="tiny",
        description="A space for tests",
        parameters=parameters,
        constants={"architecture": "conv_net", "conv_net.depth": 2, "conv_net.kernel": 3},
        profiles={Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=0)},
        training=TrainingSettings(epochs=1),
        dataset="digits",
        objectives=OBJECTIVES,
    )


def wide_space() -> SearchSpace:
    """Every kind of domain, and parameters that apply only sometimes."""
    return space_of(*small_space().parameters)


def tiny_space() -> SearchSpace:
    """Ten points: two widths, without a pruner or with four levels of one."""
    pruned = Condition(parameter="pruner", values=("l1_norm",))
    return space_of(
        Parameter(name="conv_net.width_1", domain=Categorical(choices=(8, 16))),
        Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm"))),
        Parameter(name="sparsity.level", domain=Real(low=0.1, high=0.7, step=0.2), condition=pruned),
    )


def line_space() -> SearchSpace:
    return space_of(*(Parameter(name=f"conv_net.x{i}", domain=Real(low=0.0, high=1.0)) for i in range(3)))


def spec_of(space, *, constraints=()) -> StudySpec:
    return StudySpec(
        name="tiny",
        space=space,
        dataset="digits",
        dataset_fingerprint="ab" * 32,
        objectives=OBJECTIVES,
        constraints=tuple(map(Constraint.parse, constraints)),
        seed=0,
        versions={"torch": "2.13.0"},
        created_at="2026-03-01T12:00:00Z",
    )


def trial_of(number, point, *, accuracy=0.9, size_bytes=1000.0, **changes) -> Trial:
    fields = {
        "state": TrialState.COMPLETE,
        "seed": 0,
        "started_at": NOW,
        "finished_at": NOW,
        "host": "alpha",
        "metrics": {"accuracy": accuracy, "size_bytes": size_bytes},
        "versions": {"torch": "2.13.0"},
    }
    return Trial(number=number, point=point, **{**fields, **changes})


def failed_trial(number, point, state=TrialState.FAILED) -> Trial:
    return trial_of(number, point, state=state, metrics={}, error="it broke")
