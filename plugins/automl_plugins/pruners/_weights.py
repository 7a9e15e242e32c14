"""From a sparsity a layer to weights that are zero, in a network that keeps its shape."""

from collections.abc import Callable
from typing import Any

from torch import nn

from automl.errors import InfeasibleError
from automl.technique import Profile
from automl_plugins.nni.compression import register_layer, unwrap


def check_weights(model: nn.Module) -> None:
    """Refuse a network that has no weights to zero.

    Raises:
        InfeasibleError: If there is neither a convolution nor a linear layer.
    """
    if not any(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()):
        raise InfeasibleError(
            "the network has neither a convolution nor a linear layer, so no weights to prune; leave the pruner out"
        )


def weight_config(model: nn.Module, sparsity: Profile) -> list[dict[str, Any]]:
    """Ask NNI for one sparsity a convolution or linear layer, first to last.

    Returns:
        NNI's configuration; empty where nothing is to be removed.
    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    shares = sparsity.values(len(layers))
    for layer in layers.values():
        register_layer(layer)
    return [
        {
            "op_names": [name],
            "target_names": ["weight"],
            "sparse_ratio": share,
            "granularity": [1] * module.weight.dim(),  # blocks of one weight: some pruners mask channels by default
        }
        for (name, module), share in zip(layers.items(), shares, strict=True)
        if share
    ]


def zero_weights(pruner: Any, *duration: int | None, recover: Callable[[nn.Module], None] | None) -> nn.Module:
    """Let a pruner choose weights, train under its mask, and write the zeros into the weights.

    Args:
        pruner: An NNI pruner, around its model.
        duration: Steps and epochs, for the pruners that ask for them.
        recover: Trains the wrapped model, in which every forward pass keeps the mask.
    """
    try:
        model, masks = pruner.compress(*duration)
        if recover is not None:
            recover(model)
    finally:
        unwrap(pruner)
    for name, mask in masks.items():
        model.get_submodule(name).get_parameter("weight").data.mul_(mask["weight"])
    pruned: nn.Module = model
    return pruned
