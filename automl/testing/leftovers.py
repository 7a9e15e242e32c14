"""Finds what a technique left on a model: hooks, wrappers and tensors that no plain network has."""

from collections.abc import Iterator

from torch import nn
from torch.nn.utils import parametrize

_HOOKS = [name for name in vars(nn.Module()) if name.endswith(("_hooks", "_pre_hooks"))]
_OF_TENSORS = ("_backward_hooks", "_post_accumulate_grad_hooks")


def leftovers(model: nn.Module, before: nn.Module | None) -> Iterator[str]:
    """Name what stands on a model that should not.

    Args:
        model: What a technique gave back.
        before: What it was given; where there is such a model, no buffer may have come to it.
    """
    for path, module in model.named_modules():
        name = repr(path) if path else "the model"
        if "forward" in vars(module):
            yield f"{name} has a forward of its own over that of its class"
        if parametrize.is_parametrized(module):
            yield f"{name} is parametrised"
        yield from (f"{name} has {hooks}" for hooks in _HOOKS if getattr(module, hooks))
    for path, parameter in model.named_parameters():
        if not parameter.is_leaf:
            yield f"parameter {path!r} is computed from others"
        yield from (f"parameter {path!r} has {hooks}" for hooks in _OF_TENSORS if getattr(parameter, hooks))
    if before is not None:
        known = {name for name, _ in before.named_buffers()}
        yield from (f"buffer {name!r} is new" for name, _ in model.named_buffers() if name not in known)
