"""NNI's reinforcement learning of a policy, a pass at a time."""

from typing import Any

import numpy as np

from automl_plugins.nni.strategy_engine import Batch, Model, PolicyBasedRL, TuningTrajectoryGenerator


class PolicyPasses(PolicyBasedRL):  # type: ignore[misc] # NNI has no types
    """Runs one pass at a time; between two, NNI keeps all that it knows in attributes."""

    def run_once(self) -> None:
        self._run()

    def adopt(self, model: Model) -> None:
        """Record the trajectory that leads to a model, as if the policy had chosen it."""
        generator = TuningTrajectoryGenerator(self.model_space, lambda _: _Replay(list(model.sample.values())))
        generator.next_sample()
        self._running_models.append((model, generator))


class _Replay:
    """What NNI calls for an action at each step, with the actions laid down.

    Args:
        actions: Chosen indices, in the order of the space.
    """

    def __init__(self, actions: list[int]) -> None:
        self._actions = iter(actions)

    def __call__(self, batch: Batch, state: Any) -> Batch:  # noqa: ARG002 # tianshou's signature
        return Batch(act=np.array([next(self._actions)]))

    def map_action(self, action: Any) -> Any:
        return action
