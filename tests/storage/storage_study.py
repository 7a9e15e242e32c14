"""A small study that uses every kind of column, and trials of it."""

from datetime import UTC, datetime, timedelta

from automl.core.domain import Categorical, Integer, Real
from automl.core.objective import Constraint, Objective
from automl.core.parameter import Condition, Parameter
from automl.core.space import ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.study import StudySpec
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def study_spec() -> StudySpec:
    objectives = (Objective.parse("accuracy:max"), Objective.parse("size_bytes:min"))
    space = SearchSpace(
        name="small",
        description="A space for tests",
        parameters=(
            Parameter(name="conv_net.depth", domain=Integer(low=1, high=2)),
            Parameter(name="conv_net.width_1", domain=Categorical(choices=(8, 16))),
            Parameter(
                name="conv_net.width_2",
                domain=Categorical(choices=(8, 16)),
                condition=Condition(parameter="conv_net.depth", values=(2,)),
            ),
            Parameter(name="conv_net.residual", domain=Categorical(choices=(False, True))),
            Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm"))),
            Parameter(
                name="sparsity.level",
                domain=Real(low=0.0, high=0.75, step=0.25),
                condition=Condition(parameter="pruner", values=("l1_norm",)),
            ),
        ),
        constants={"architecture": "conv_net", "conv_net.kernel": 3},
        profiles={Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=0)},
        training=TrainingSettings(epochs=4),
        dataset="digits",
        objectives=objectives,
    )
    return StudySpec(
        name="digits",
        space=space,
        dataset="digits",
        dataset_fingerprint="ab" * 32,
        objectives=objectives,
        constraints=(Constraint.parse("size_bytes<=50000"),),
        seed=0,
        versions={"torch": "2.13.0"},
        created_at="2026-03-01T12:00:00Z",
    )


def study_trial(number: int, **changes: object) -> Trial:
    fields: dict[str, object] = {
        "number": number,
        "state": TrialState.COMPLETE,
        "point": {"conv_net.depth": 1, "conv_net.width_1": 8, "conv_net.residual": True, "pruner": "none"},
        "seed": 1000 + number,
        "started_at": START,
        "finished_at": START + timedelta(seconds=3),
        "host": "alpha",
        "metrics": {"accuracy": 0.9 + number / 1000, "size_bytes": 12_345.0},
        "constraints": {"size_bytes<=50000": -37_655.0},
        "seconds": {"fit": 2.5, "total": 3.0},
        "epochs_trained": 4,
        "versions": {"torch": "2.13.0"},
    }
    return Trial(**{**fields, **changes})
