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


class _CallTracer(LeafTracer):
    """Traces down to the same modules, but into those that only call several functions, as an activation may."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Stop at what torch ships, at what holds weights, and at what computes one thing, or nothing."""
        return super().is_leaf_module(m, module_qualified_name) and not _calls_several_functions(m)


def trace(model: nn.Module) -> fx.GraphModule:
    """Trace a network; the graph shares its modules.

    Raises:
        UntraceableError: If its forward pass depends on the values that it computes.
    """
    return _trace(model, LeafTracer())


def trace_calls(model: nn.Module) -> fx.GraphModule:
    """Trace a network down to its modules without children, and into those of its own that only call functions.

    A module that calls one function stays: its name stands for what the function gives.

    Raises:
        UntraceableError: If its forward pass depends on the values that it computes.
    """
    return _trace(model, _CallTracer())


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


def _calls_several_functions(module: nn.Module) -> bool:
    is_torch = type(module).__module__.startswith(("torch.nn.", "torch.ao."))
    holds = any(True for _ in module.parameters()) or any(True for _ in module.buffers()) or any(module.children())
    if is_torch or holds or module._forward_hooks or module._forward_pre_hooks:  # noqa: SLF001 # there is no public way
        return False
    try:
        nodes = _trace(module, _OneArgumentTracer()).graph.nodes
    except UntraceableError:
        return False
    return sum(node.op in {"call_function", "call_method"} for node in nodes) > 1


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
