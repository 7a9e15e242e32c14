"""Keeps frozen what came frozen: a technique that rebuilds a layer makes parameters that torch would train."""

from torch import nn
from torch.optim import Optimizer

from automl.technique import Fit, Loss


def keeping_frozen(fit: Fit, network: nn.Module) -> Fit:
    """Give a fit that freezes, in every network, the parameters that ``network`` has frozen under the same names."""
    frozen = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}

    def fit_rest(
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        for name, parameter in model.named_parameters():
            if name in frozen:
                parameter.requires_grad_(False)  # torch's own signature
        fit(model, epochs=epochs, learning_rate=learning_rate, max_steps=max_steps, optimizer=optimizer, loss=loss)

    return fit_rest if frozen else fit
