"""Traces a network with ``torch.fx`` down to the modules that a quantizer or an exporter can name."""

import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from automl.errors import UntraceableError

_RAISED_BY_A_FORWARD = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a forward pass raises where it meets the stand-ins for tensors with which ``torch.fx`` calls it."""

_TORCH = Path(torch.__file__).parent


class _OneArgumentTracer(fx.Tracer):
    """Traces what ``model(images)`` runs: every other argument of the forward pass has its default value."""

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],
        is_module: bool,  # torch's signature
        concrete_args: object = None,  # noqa: ARG002 # torch's signature
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Make a placeholder of the first argument alone; a stand-in for another would not be its default."""
        images = self.create_proxy("placeholder", "images", (), {})
        return root_fn, [self.root, images] if is_module else [images]


class LeafTracer(_OneArgumentTracer):
    """Traces down to the modules that have no children, so that a residual ``Add`` keeps its name."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Stop at what torch ships and at what contains nothing."""
        return super().is_leaf_module(m, module_qualified_name) or not any(m.children())


def trace(model: nn.Module) -> fx.GraphModule:
    """Trace a network; the graph shares its modules.

    Raises:
        UntraceableError: If its forward pass depends on the values that it computes.
    """
    return _trace(model, LeafTracer())


def trace_operations(model: nn.Module) -> fx.GraphModule:
    """Trace a network down to the modules of torch and to the functions that any other module calls.

    Raises:
        UntraceableError: If its forward pass depends on the values that it computes.
    """
    return _trace(model, _OneArgumentTracer())


def _trace(model: nn.Module, tracer: fx.Tracer) -> fx.GraphModule:
    try:
        graph = tracer.trace(model)
    except _RAISED_BY_A_FORWARD as error:
        found = _guilty_line(model, error)
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise UntraceableError(
            f"torch.fx cannot trace the network: {found} ({type(error).__name__}: {reason}); "
            "let this line depend on nothing that is computed from the images, or leave the quantizer out and prune "
            "with 'level' or 'movement', which need no trace",
            found,
        ) from error
    return fx.GraphModule(model, graph, class_name=type(model).__name__)


class _Line(NamedTuple):
    module: nn.Module
    file: str
    number: int


def _guilty_line(model: nn.Module, error: BaseException) -> str:
    """Name the innermost line of a module of the network that is not torch's own."""
    lines = [
        _Line(frame.f_locals["self"], frame.f_code.co_filename, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if isinstance(frame.f_locals.get("self"), nn.Module) and not _is_of_torch(frame.f_code.co_filename)
    ]
    if not lines:
        return "a line outside its modules"
    module, file, number = lines[-1]
    names = [name for name, each in model.named_modules() if each is module]
    where = (
        f"module {names[0]!r}, a {type(module).__name__}" if names and names[0] else f"{type(module).__name__} itself"
    )
    return f"{where}, at {file}, line {number}: `{linecache.getline(file, number).strip()}`"


def _is_of_torch(file: str) -> bool:
    return Path(file).is_relative_to(_TORCH)
