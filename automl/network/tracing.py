"""Traces a network with ``torch.fx`` down to the modules that a quantizer or an exporter can name."""

from torch import fx, nn


class LeafTracer(fx.Tracer):
    """Traces down to the modules that have no children, so that a residual ``Add`` keeps its name."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Stop at what torch ships and at what contains nothing."""
        return super().is_leaf_module(m, module_qualified_name) or not any(m.children())


def trace(model: nn.Module) -> fx.GraphModule:
    """Trace a network; the graph shares its modules.

    Raises:
        torch.fx.proxy.TraceError: If its forward pass depends on the values that it computes.
    """
    return fx.GraphModule(model, LeafTracer().trace(model), class_name=type(model).__name__)
