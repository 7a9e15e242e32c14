"""Finds out on an untrained network whether channels can be taken out of it."""

import operator

import torch
from torch import Tensor, fx, nn

from automl.errors import InfeasibleError
from automl.technique import Profile
from automl_plugins._channels import REMEDY, channel_config, remove_channels
from automl_plugins._nni import L1NormPruner, computed_masks
from automl_plugins._shrinking import remove_any_channels

_KNOWN_MODULES = (
    nn.AdaptiveAvgPool2d,
    nn.AvgPool2d,
    nn.BatchNorm2d,
    nn.Conv2d,
    nn.Dropout,
    nn.Flatten,
    nn.GELU,
    nn.Hardswish,
    nn.Identity,
    nn.Linear,
    nn.MaxPool2d,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Tanh,
)
_KNOWN_FUNCTIONS = {operator.add, torch.add, torch.flatten}


def check_channels(model: nn.Module, sparsity: Profile, images: Tensor, *, multiple: int) -> None:
    """Take as many channels out of an untrained network as out of the trained one, to see whether that works.

    Args:
        model: Is changed.
        sparsity: As for ``channel_config``.
        images: A batch (N, C, H, W).
        multiple: As for ``channel_config``.

    Raises:
        InfeasibleError: If the network has no channels to remove, or others than those are needed.
    """
    if not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        raise InfeasibleError(f"the network has no convolution, so no channels to remove; {REMEDY}")
    config = channel_config(model.eval(), sparsity, images, multiple=multiple)
    if not config:
        return
    expected = model(images).shape
    if _is_known(model):
        pruned = remove_any_channels(model, config, images)
    else:
        pruned = remove_channels(model, computed_masks(L1NormPruner(model, config)), images)
    if pruned(images).shape != expected:
        last = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)][-1]
        raise InfeasibleError(f"layer {last!r} makes the logits, so its channels must stay; {REMEDY}")


def _is_known(model: nn.Module) -> bool:
    """Say whether there is nothing in the network that ModelSpeedup may stumble over, and which is quick to cut."""
    traced = fx.symbolic_trace(model)
    for node in traced.graph.nodes:
        if node.op == "call_module" and not isinstance(traced.get_submodule(str(node.target)), _KNOWN_MODULES):
            return False
        if node.op in {"call_method", "get_attr"} or (
            node.op == "call_function" and node.target not in _KNOWN_FUNCTIONS
        ):
            return False
    return True
