"""Tells which modules hand on their input as it is: a quantizer has nothing to put on a grid there."""

import copy

from torch import fx, nn

from automl.errors import UntraceableError
from automl.network.tracing import trace_operations

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
_ALWAYS = {nn.Identity, nn.Sequential, *_DROPOUTS}
_BY_NAME = {("torchvision.ops.stochastic_depth", "StochasticDepth")}  # calls a function that torch.fx does not enter


def hands_on(module: nn.Module) -> bool:
    """Say whether a module gives its one input back in evaluation mode.

    A class of torch is known by itself, and not by what derives from it, which may do anything. Of any other class
    the forward pass is looked at.

    Args:
        module: In either mode; it is left as it is.

    >>> hands_on(nn.Sequential()), hands_on(nn.Sequential(nn.ReLU())), hands_on(nn.Dropout(0.5))
    (True, False, True)
    """
    kind = type(module)
    if any(module.children()) or any(True for _ in module.parameters()) or _has_hooks(module):
        return False
    if kind in _ALWAYS or (kind.__module__, kind.__name__) in _BY_NAME:
        return True
    return not kind.__module__.startswith("torch.nn.") and _returns_its_input(module)


def _has_hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)  # noqa: SLF001 # there is no public way


def _returns_its_input(module: nn.Module) -> bool:
    try:
        nodes = list(trace_operations(copy.copy(module).eval()).graph.nodes)
    except UntraceableError:
        return False
    given: list[fx.Node] = [node for node in nodes if node.op == "placeholder"]
    return bool(given) and nodes[-1].args == (given[0],)
