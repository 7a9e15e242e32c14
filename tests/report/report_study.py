"""A study of four trials that end in different ways, over a space with every kind of choice."""

from datetime import UTC, datetime, timedelta

from automl.core.domain import Categorical, Integer, Real
from automl.core.objective import Constraint, Objective
from automl.core.parameter import Condition, Parameter
from automl.core.space import ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.study import StudySpec
from automl.core.training_settings import TrainingSettings
from automl.core.trial import Trial, TrialState

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
POINT = {
    "conv_net.depth": 3,
    "conv_net.width_1": 16,
    "conv_net.width_2": 16,
    "conv_net.width_3": 32,
    "conv_net.activation": "relu",
    "pruner": "l1_norm",
    "sparsity.level": 0.4,
    "sparsity.slope": 0.1,
    "quantizer": "qat",
    "weight_bits.level": 5.0,
    "weight_bits.slope": -1.0,
}


def study_spec() -> StudySpec:
    pruned = Condition(parameter="pruner", values=("l1_norm",))
    quantized = Condition(parameter="quantizer", values=("ptq", "qat"))
    objectives = tuple(map(Objective.parse, ("accuracy:max", "size_bytes:min", "latency_ms:min")))
    space = SearchSpace(
        name="small",
        description="A space for tests",
        parameters=(
            Parameter(name="conv_net.depth", domain=Integer(low=1, high=3)),
            *(Parameter(name=f"conv_net.width_{i}", domain=Categorical(choices=(8, 16, 32))) for i in (1, 2, 3)),
            Parameter(name="conv_net.activation", domain=Categorical(choices=("relu", "silu"))),
            Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm"))),
            Parameter(name="sparsity.level", domain=Real(low=0.0, high=0.8), condition=pruned),
            Parameter(name="sparsity.slope", domain=Real(low=-0.3, high=0.3), condition=pruned),
            Parameter(name="quantizer", domain=Categorical(choices=("none", "ptq", "qat"))),
            Parameter(name="weight_bits.level", domain=Real(low=2.0, high=8.0), condition=quantized),
            Parameter(name="weight_bits.slope", domain=Real(low=-2.0, high=2.0), condition=quantized),
        ),
        constants={"architecture": "conv_net", "conv_net.kernel": 3},
        profiles={
            Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=0),
            Stage.QUANTIZER: ProfileSpec(name="weight_bits", low=2.0, high=8.0, offsets=0),
        },
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


def study_trials() -> list[Trial]:
    def trial(number: int, **changes: object) -> Trial:
        fields: dict[str, object] = {
            "number": number,
            "state": TrialState.COMPLETE,
            "point": POINT,
            "seed": 1000 + number,
            "started_at": START,
            "finished_at": START + timedelta(seconds=30 * number + 9.5),
            "host": "alpha",
            "metrics": {"accuracy": 0.98614, "size_bytes": 12_400.0, "latency_ms": 0.0342},
            "constraints": {"size_bytes<=50000": -37_600.0},
            "seconds": {"build": 0.01, "fit": 6.2, "prune": 2.1, "export": 0.4, "measure": 0.8, "total": 9.5},
            "epochs_trained": 7,
            "versions": {"torch": "2.13.0", "onnxruntime": "1.31.0"},
        }
        return Trial(**{**fields, **changes})

    fuller = {"test_accuracy": 0.9722, "latency_low_ms": 0.0331, "latency_high_ms": 0.0359, "parity_gap": 0.0011}
    large = {"accuracy": 0.9917, "size_bytes": 61_000.0, "latency_ms": 0.12}
    small = {"accuracy": 0.91, "size_bytes": 3_120.0, "latency_ms": 0.011, "test_accuracy": 0.9028}
    traceback = 'Traceback (most recent call last):\n  File "net.py", line 3, in forward\nRuntimeError: shapes [8, 16]'
    return [
        trial(0, metrics={**trial(0).metrics, **fuller}, artifact="artifacts/000000"),
        trial(1, metrics=large, constraints={"size_bytes<=50000": 11_000.0}),
        trial(2, state=TrialState.FAILED, metrics={}, error="shapes [8, 16] do not match", error_traceback=traceback),
        trial(3, metrics=small, point={"conv_net.depth": 1, "conv_net.width_1": 8, "pruner": "none"}),
        trial(4, state=TrialState.STOPPED, metrics={"accuracy": 0.41}, constraints={}),
    ]
