"""A fit that trains for no epoch: shapes and files of untrained networks do not depend on training."""

from torch import nn
from torch.optim import Optimizer

from automl.technique import Loss


def no_fit(
    model: nn.Module,
    *,
    epochs: int,
    learning_rate: float,
    max_steps: int | None = None,
    optimizer: Optimizer | None = None,
    loss: Loss | None = None,
) -> None:
    """Leave a model as it is, whatever training is asked for; it stands for ``automl.technique.Fit``."""
