"""A policy that some hundred trials can teach: one table of preferences, learnt by proximal policy optimisation."""

from typing import Any

import torch
from torch import Tensor, nn

from automl_plugins.nni.strategy_engine import PPOPolicy, to_torch

_LEARNING_RATE = 0.05


def table_policy(environment: Any) -> PPOPolicy:
    """Make a policy that prefers choices step by step, whatever was chosen before.

    NNI's own, a recurrent network, has some 30,000 weights to learn from as many rewards as there are trials.

    Args:
        environment: NNI's ``TuningEnvironment``: one step a parameter.
    """
    actor, critic = _Preferences(environment.num_choices), _Values(environment.num_steps)
    return PPOPolicy(
        actor,
        critic,
        torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=_LEARNING_RATE),
        torch.distributions.Categorical,
        discount_factor=1.0,
        gae_lambda=1.0,
        action_space=environment.action_space,
    )


class _Preferences(nn.Module):
    """Probabilities of the choices of a step, equal at first; 0 for those that the step lacks.

    Args:
        choices: How many choices each step has.
    """

    lacking: Tensor

    def __init__(self, choices: list[int]) -> None:
        super().__init__()
        most = max(choices)
        self.table = nn.Parameter(torch.zeros(len(choices) + 1, most))  # NNI counts one step past the last
        lacking = torch.arange(most) >= torch.tensor([*choices, most]).unsqueeze(1)
        self.register_buffer("lacking", lacking)

    def forward(self, obs: Any, state: Any = None, **_: Any) -> tuple[Tensor, Any]:
        """Give probabilities (N, most choices) for a batch of observations."""
        step = to_torch(obs)["cur_step"].long()
        return torch.softmax(self.table[step].masked_fill(self.lacking[step], -torch.inf), dim=-1), state


class _Values(nn.Module):
    """The reward to expect at each step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.full((steps + 1,), 0.5))

    def forward(self, obs: Any, **_: Any) -> Tensor:
        """Give values (N,) for a batch of observations."""
        return self.table[to_torch(obs)["cur_step"].long()]
