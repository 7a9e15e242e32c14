"""What NNI's strategies run against: an engine and a space without networks.

A strategy of NNI runs a whole search by itself: it submits models as long as its engine has resources. This engine
has them for one model at a time, so that each pass through the strategy's loop proposes one point and returns.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import automl_plugins.nni.compression  # noqa: F401 # first: it undoes what importing NNI does


@contextmanager
def _tianshou_importable() -> Iterator[None]:
    """Let NNI's reinforcement learning import what it stands on, where that is installed.

    NNI imports gym, which is unkept and refuses numpy 2: it gets its successor under that name. And tianshou compiles
    its loops with numba, for ten seconds, to use them on some dozen numbers.
    """
    if not _HAS_TIANSHOU:
        yield
        return
    import gymnasium
    import numba

    former_gym, former_disabled = sys.modules.get("gym"), numba.config.DISABLE_JIT
    sys.modules["gym"], numba.config.DISABLE_JIT = gymnasium, 1
    try:
        yield
    finally:
        numba.config.DISABLE_JIT = former_disabled
        del sys.modules["gym"]
        if former_gym is not None:
            sys.modules["gym"] = former_gym


_HAS_TIANSHOU = importlib.util.find_spec("tianshou") is not None

with _tianshou_importable():
    from nni.mutable import Categorical, MutableDict
    from nni.nas.execution import ExecutionEngine
    from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
    from nni.nas.space import ExecutableModelSpace, ModelStatus
    from nni.nas.strategy import PolicyBasedRL, RegularizedEvolution

    if _HAS_TIANSHOU:
        from nni.nas.strategy._rl_impl import TuningTrajectoryGenerator
        from tianshou.data import Batch, to_torch
        from tianshou.policy import PPOPolicy

__all__ = [
    "Batch",
    "Model",
    "OneModelEngine",
    "PPOPolicy",
    "PolicyBasedRL",
    "RegularizedEvolution",
    "TuningTrajectoryGenerator",
    "to_torch",
]


class Model(ExecutableModelSpace):  # type: ignore[misc] # NNI has no types
    """A space of choices or, once frozen, one sample of it; there is no network in either.

    Args:
        choices: How many choices each label has.
        sample: The chosen index of each label; None for the space.
    """

    def __init__(self, choices: dict[str, int], sample: dict[str, int] | None = None) -> None:
        super().__init__(ModelStatus.Initialized if sample is None else ModelStatus.Frozen)
        self._choices = choices
        self._mutables = MutableDict(
            {label: Categorical(range(count), label=label) for label, count in choices.items()}
        )
        self.sample: dict[str, int] = sample or {}

    def freeze(self, sample: dict[str, int]) -> "Model":
        """Choose."""
        self.validate(sample)
        return Model(self._choices, dict(sample))

    def check_contains(self, sample: dict[str, int]) -> Any:
        """Give what is wrong with a sample, as NNI's exception; None where nothing is."""
        return self._mutables.check_contains(sample)

    def leaf_mutables(self, is_leaf: Callable[[Any], bool]) -> Iterable[Any]:
        """Walk over the choices."""
        yield from self._mutables.leaf_mutables(is_leaf)


class OneModelEngine(ExecutionEngine):  # type: ignore[misc] # NNI has no types
    """Takes one model a pass; somebody else evaluates it."""

    def __init__(self) -> None:
        super().__init__()
        self._is_idle = False
        self._submitted: list[Model] = []

    def next_of(self, run: Callable[[], None]) -> Model:
        """Let a strategy's loop run until it has submitted a model."""
        self._is_idle = True
        run()
        return self._submitted.pop()

    def finish(self, model: Model, reward: float) -> None:
        """Tell the strategy what a model earned."""
        self.dispatch_model_event(FinalMetricEvent(model, reward))
        self.dispatch_model_event(TrainingEndEvent(model, ModelStatus.Trained))

    def submit_models(self, *models: Model) -> None:
        """Take a model, and no more."""
        self._submitted.extend(models)
        self._is_idle = False

    def idle_worker_available(self) -> bool:
        """Say whether a model may be submitted."""
        return self._is_idle

    def budget_available(self) -> bool:
        """Say no once a model was submitted: the loop then returns, where it would else sleep."""
        return self._is_idle

    def wait_models(self, *models: Model) -> None:
        """Wait for nothing: models finish between two passes."""

    def list_models(self, status: ModelStatus | None = None) -> Iterable[Model]:  # noqa: ARG002 # NNI's signature
        """Remember no models."""
        return ()

    def shutdown(self) -> None:
        """Hold nothing that would have to end."""
