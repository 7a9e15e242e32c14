"""Reinforcement learning of a policy over choices, with NNI."""

from importlib.util import find_spec

from automl.core.distribution import install_line

if find_spec("tianshou") is None:
    raise ImportError(f"tianshou is not installed; `{install_line('rl')}` installs it")

from collections.abc import Iterator
from contextlib import contextmanager

from automl.sampler import Parameter, Point
from automl_plugins.samplers._strategy_stepped import Explorer, SteppedStrategy

_TRIALS_AN_UPDATE = 5
_STEPS_AN_UPDATE = 5
_ALL_TRANSITIONS = 100_000


class RL(SteppedStrategy):
    """Learns by proximal policy optimisation which choices earn most, one parameter after the other."""

    name = "rl"
    paper = (
        "Zoph and Le, Neural Architecture Search with Reinforcement Learning, 2017; "
        "Schulman, Wolski, Dhariwal, Radford and Klimov, Proximal Policy Optimization Algorithms, 2017"
    )

    def __init__(self, parameters: tuple[Parameter, ...], constants: Point, *, seed: int) -> None:
        import numpy as np
        import torch

        super().__init__(parameters, constants, seed=seed)
        self._torch_state = torch.Generator().manual_seed(seed).get_state()
        self._numpy_state = np.random.RandomState(seed).get_state()  # tianshou draws from numpy, too

    def explorer(self, seed: int) -> Explorer:  # noqa: ARG002 # it draws from torch's and numpy's global generators
        """Make a learner that is taught every few trials.

        NNI's defaults, an update every 20 trials at a learning rate of 1e-4, are for thousands of trials.
        """
        from automl_plugins.samplers._policy_passes import PolicyPasses
        from automl_plugins.samplers._strategy_policy import table_policy

        return PolicyPasses(
            samples_per_update=_TRIALS_AN_UPDATE,
            policy_fn=table_policy,
            update_kwargs={"batch_size": _ALL_TRANSITIONS, "repeat": _STEPS_AN_UPDATE, "update_times": 1},
        )

    def ask(self) -> Point:
        """Propose what the policy chooses, after it has learnt from what was told since."""
        with self._own_randomness():
            return super().ask()

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Give torch and numpy this strategy's state, and then their own back."""
        import numpy as np
        import torch

        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
        torch.set_rng_state(self._torch_state)
        np.random.set_state(self._numpy_state)  # noqa: NPY002
        try:
            yield
        finally:
            self._torch_state, self._numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
            torch.set_rng_state(torch_state)
            np.random.set_state(numpy_state)  # noqa: NPY002
