"""Finds what a network remembers of its last run: a tensor with its gradients, of which torch makes no copy."""

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves


def remembers_graph(model: nn.Module) -> str | None:
    """Name the first attribute that holds a tensor which was computed with gradients, as a hook for features leaves it.

    Args:
        model: Any network.

    Returns:
        The module and its attribute; None where no attribute holds one, be it in a list or a dictionary.
    """
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute != "_modules" and any(_is_computed(leaf) for leaf in tree_leaves(value)):
                where = f"module {name!r}, a {type(module).__name__}," if name else type(module).__name__
                return f"{where} in attribute {_own_name(module, attribute)!r}"
    return None


def forget_graphs(model: nn.Module, images: Tensor) -> None:
    """Let a network that remembers its last run of training remember one without gradients, so that it can be copied.

    Args:
        model: A trained network, which keeps its weights and is left in the mode in which it is.
        images: Normalised, shape (N, C, H, W), on the device of the model.
    """
    if remembers_graph(model) is None:
        return
    was_training = model.training
    with torch.no_grad():
        model.eval()(images)
    model.train(was_training)


def _own_name(module: nn.Module, attribute: str) -> str:
    """Give the name by which the network's code knows it: torch keeps buffers in a dictionary."""
    if attribute != "_buffers":
        return attribute
    return next(name for name, buffer in module.named_buffers(recurse=False) if _is_computed(buffer))


def _is_computed(value: object) -> bool:
    return isinstance(value, Tensor) and value.grad_fn is not None
