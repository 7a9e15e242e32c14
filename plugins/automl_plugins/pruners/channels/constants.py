"""Lets the numbers that a forward pass names, such as the width in a ``view``, follow the channels that go.

The class of the network keeps its numbers, so the network becomes a graph of the same modules with others.
"""

import copy
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.utils._pytree import tree_map

from automl.errors import UntraceableError
from automl.network.tracing import LeafTracer, trace_operations
from automl_plugins.pruners.channels.cutting import Classes, cut_channels
from automl_plugins.pruners.channels.flow import ChannelFlow, Follower
from automl_plugins.pruners.channels.layers import LAYERS
from automl_plugins.pruners.channels.units import Labels

_SHAPING = {"view", "reshape", "expand", torch.reshape}
_SPLITTING = {"split", "split_with_sizes", torch.split, torch.split_with_sizes}
_DROPOUTS: Mapping[Callable[..., Any], type[nn.Module]] = {
    functional.dropout: nn.Dropout,
    functional.dropout1d: nn.Dropout1d,
    functional.dropout2d: nn.Dropout2d,
    functional.dropout3d: nn.Dropout3d,
    functional.alpha_dropout: nn.AlphaDropout,
    functional.feature_alpha_dropout: nn.FeatureAlphaDropout,
}


def cut_with_constants(model: nn.Module, flow: ChannelFlow, removed: Classes, images: Tensor) -> fx.GraphModule | None:
    """Copy a network without some channels, and with the numbers of its forward pass that must change for that.

    Args:
        model: In evaluation mode; it is left as it is.
        flow: Of the network.
        removed: Classes of ``flow``.
        images: A batch (N, C, H, W) of two or so.

    Returns:
        None where torch.fx cannot trace the network, or its forward pass is another in training.
    """
    traced = _graph(model)
    if traced is None:
        return None
    reader = _Reader(traced)
    with reader.follower.following():
        answer = reader.run(images)
    followed = reader.follower.flow(answer)
    gone = _translated(flow, followed, removed)
    if gone is None:
        return None
    cut = copy.deepcopy(traced)
    cut_channels(cut, followed, gone)
    for before, after in zip(traced.graph.nodes, cut.graph.nodes, strict=True):
        _rewrite(before, after, reader.found, lambda labels: _kept(followed, labels, gone))
    cut.graph.lint()
    cut.recompile()
    return cut


class _LayerTracer(LeafTracer):
    """Traces down to the layers whose channels are followed, and to the functions that any other module calls."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LAYERS) or fx.Tracer.is_leaf_module(self, m, module_qualified_name)


class _Reader(fx.Interpreter):
    """Runs a graph and remembers the labels of every value."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.extra_traceback = False
        self.follower = Follower(traced)
        self.found: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.found[n] = tree_map(
            lambda leaf: self.follower.labels_of(leaf) if isinstance(leaf, Tensor) else leaf, result
        )
        return result


def _graph(model: nn.Module) -> fx.GraphModule | None:
    """Trace what runs in evaluation mode, where training runs the same but for dropout, which becomes a module."""
    graphs = []
    for is_training in (True, False):
        model.train(is_training)
        try:
            trace_operations(model)
        except UntraceableError:
            return None
        finally:
            model.eval()
        model.train(is_training)
        graph = _LayerTracer().trace(model)
        model.eval()
        graphs.append(_with_dropout_modules(fx.GraphModule(model, graph, class_name=type(model).__name__)))
    return graphs[1].eval() if str(graphs[0].graph) == str(graphs[1].graph) else None


def _with_dropout_modules(traced: fx.GraphModule) -> fx.GraphModule:
    """Let dropout ask the network whether it is trained: a trace has the answer of the moment in it."""
    for node in list(traced.graph.nodes):
        if node.op != "call_function" or node.target not in _DROPOUTS:
            continue
        given = inspect.signature(node.target).bind(*node.args, **node.kwargs)
        given.apply_defaults()
        kind, name = _DROPOUTS[node.target], f"{node.name}_module"
        traced.add_submodule(name, kind(given.arguments["p"]))
        with traced.graph.inserting_before(node):
            node.replace_all_uses_with(traced.graph.call_module(name, (given.arguments["input"],)))
        traced.graph.erase_node(node)
    traced.recompile()
    return traced


def _translated(flow: ChannelFlow, followed: ChannelFlow, removed: Classes) -> set[int] | None:
    """Name the classes that go as another run numbered them; None where that run ties others to them."""
    pairs = [
        (layer.outputs, followed.layers[name].outputs) for name, layer in flow.layers.items() if name in followed.layers
    ]
    both = [(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
    gone = {
        int(each)
        for mine, theirs in both
        for each in followed.classes_of(theirs)[np.isin(flow.classes_of(mine), list(removed))]
    }
    is_same = all(
        np.array_equal(np.isin(flow.classes_of(mine), list(removed)), np.isin(followed.classes_of(theirs), list(gone)))
        for mine, theirs in both
    )
    return gone if is_same and not gone & followed.reasons.keys() and len(pairs) == len(flow.layers) else None


def _kept(flow: ChannelFlow, labels: Labels, gone: Classes) -> list[Tensor]:
    """List the indices that stay, for each dimension."""
    stays = ~np.isin(flow.classes_of(labels), list(gone))
    return [
        torch.from_numpy(np.flatnonzero(stays.any(axis=tuple(d for d in range(stays.ndim) if d != dimension))))
        for dimension in range(stays.ndim)
    ]


_KeptIndices = Callable[[Labels], list[Tensor]]


def _rewrite(before: fx.Node, after: fx.Node, found: Mapping[fx.Node, Any], kept: _KeptIndices) -> None:
    if before.op not in {"call_function", "call_method"} or not before.args:
        return
    made, source = found[before], before.args[0]
    if before.target in _SHAPING and isinstance(made, Tensor):
        sizes = [len(indices) for indices in kept(made)]
        if list(made.shape) != sizes:
            after.args = (after.args[0], *_resized(after.args[1:], made.shape, sizes))
    elif before.target in _SPLITTING:
        dimension: Any = after.kwargs.get("dim", after.args[2] if len(after.args) > 2 else 0)
        sizes = [len(kept(part)[dimension]) for part in made]
        if [part.shape[dimension] for part in made] != sizes:
            after.args = (after.args[0], sizes, dimension)
            after.kwargs = {}
    elif before.target is operator.getitem and isinstance(source, fx.Node) and isinstance(found[source], Tensor):
        index = after.args[1] if isinstance(after.args[1], tuple) else (after.args[1],)
        after.args = (after.args[0], _reindexed(index, found[source], kept(found[source])))


def _resized(arguments: tuple[Any, ...], shape: Sequence[int], sizes: Sequence[int]) -> tuple[Any, ...]:
    is_nested = bool(arguments) and isinstance(arguments[0], list | tuple)
    given = arguments[0] if is_nested else arguments
    new = [
        size if isinstance(number, int) and number == old else number
        for number, old, size in zip(given, shape, sizes, strict=True)
    ]
    return (tuple(new),) if is_nested else tuple(new)


def _reindexed(index: tuple[Any, ...], labels: Labels, kept: Sequence[Tensor]) -> tuple[Any, ...]:
    """Move slices and numbers to where their channels are after the cut."""
    used = sum(part is not None and part is not Ellipsis for part in index)
    new: list[Any] = []
    dimension = 0
    for part in index:
        if part is Ellipsis:
            dimension += labels.dim() - used
            new.append(part)
            continue
        if part is None:
            new.append(part)
            continue
        if len(kept[dimension]) < labels.size(dimension):
            new.append(_moved(part, labels.size(dimension), kept[dimension]))
        else:
            new.append(part)
        dimension += 1
    return tuple(new)


def _moved(part: Any, size: int, kept: Tensor) -> Any:
    def place(index: int) -> int:
        return int((kept < index).sum())

    if isinstance(part, slice) and all(bound is None or isinstance(bound, int) for bound in (part.start, part.stop)):
        start, stop, step = part.indices(size)
        if step == 1 and (part.start is not None or part.stop is not None):
            return slice(place(start), place(stop))
    elif isinstance(part, int):
        return place(part % size)
    return part
