"""Trains a supernet once, and lets networks inherit its weights."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from automl.technique import Loss, StageContext
from automl_plugins.nni.one_shot import BaseSuperNetModule, GumbelSoftmax

_ALPHA = "_arch_alpha"
_ALPHA_LEARNING_RATE = 0.003  # Liu et al. use 0.0003 over thousands of steps; a small data set has hundreds
_TEMPERATURES = (1.0, 0.33)


def resampled(supernet: nn.Module, loss: Loss, *, seed: int) -> Loss:
    """Let every batch see another network, drawn uniformly."""
    modules = [module for module in supernet.modules() if isinstance(module, BaseSuperNetModule)]
    choices = {label: choice for module in modules for label, choice in module.simplify().items()}
    state = np.random.RandomState(seed)  # NNI's kind; what it draws by itself, no seed settles

    def sampled_loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        drawn = {label: choice.random(random_state=state) for label, choice in choices.items()}
        for module in modules:
            module.resample(dict(drawn))
        return loss(model, images, labels)

    return sampled_loss


def alternating(supernet: nn.Module, loss: Loss, *, steps: int) -> Loss:
    """Let one half of every batch move the choices, and the other the weights (first-order DARTS).

    Where choices are drawn from a Gumbel softmax, its temperature falls linearly over the steps.
    """
    alphas = [parameter for name, parameter in supernet.named_parameters() if _ALPHA in name]
    optimizer = torch.optim.Adam(alphas, lr=_ALPHA_LEARNING_RATE, betas=(0.5, 0.999), weight_decay=1e-3)
    softmaxes = [module for module in supernet.modules() if isinstance(module, GumbelSoftmax)]
    taken = 0

    def alternating_loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        nonlocal taken
        hot, cold = _TEMPERATURES
        for softmax in softmaxes:
            softmax.tau = hot + (cold - hot) * min(taken / steps, 1.0)
        taken += 1
        half = len(labels) // 2
        if half > 1:  # one image alone has no variance to normalise with
            with _moving(alphas):
                found = torch.autograd.grad(loss(model, images[:half], labels[:half]), alphas, allow_unused=True)
            for alpha, gradient in zip(alphas, found, strict=True):
                alpha.grad = gradient
            optimizer.step()
        return loss(model, images[half:], labels[half:])

    for alpha in alphas:
        alpha.requires_grad_(False)  # the fit trains the weights alone
    return alternating_loss


@contextmanager
def _moving(parameters: list[nn.Parameter]) -> Iterator[None]:
    for parameter in parameters:
        parameter.requires_grad_()
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(False)


def trained_supernet(
    supernet: nn.Module, largest: nn.Module, loss: Loss, context: StageContext, *, epochs: int, learning_rate: float
) -> nn.Module:
    """Train a supernet, and give its weights in a plain network.

    Args:
        supernet: Made by one of NNI's strategies; it does not pickle.
        largest: A network of the space that has room for every weight.
        loss: What training lowers.
        context: Trains.
        epochs: Passes over the training split.
        learning_rate: Peak of the schedule of these passes.
    """
    context.fit(context.task.finished(supernet), epochs=epochs, learning_rate=learning_rate, loss=loss)
    inherit(largest, _plain_names(supernet))
    return largest


def inherit(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill a network with its part of larger weights: the first channels, the middle of the kernels (Cai et al., 2020).

    Args:
        network: Changed in place.
        weights: By the name of the parameter or buffer; each at least as large as the network's own.
    """
    with torch.no_grad():
        for name, own in network.state_dict().items():
            larger = weights[name]
            for dimension, size in enumerate(own.shape):
                excess = larger.shape[dimension] - size
                larger = larger.narrow(dimension, excess // 2 if dimension > 1 else 0, size)
            own.copy_(larger)


def _plain_names(supernet: nn.Module) -> dict[str, Tensor]:
    """Name the weights of a supernet as a network does that was frozen from the same space."""
    return {name.replace(".blocks.", "."): copy.copy(value) for name, value in supernet.state_dict().items()}
