"""Gives operators that a network writes as functions a module each, so that a quantizer can put them on grids.

A quantizer, and the file that it leads to, know a tensor by the module that gave it: what ``F.relu(x)``, ``x + y`` or
``torch.cat`` give has no such name, would stay in float, and would cost a pair of casts.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from automl.core.fidelity import EXACT
from automl.errors import UntraceableError
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers
from automl.network.function_modules import Arguments, FunctionModule, function_module
from automl.network.tracing import trace_calls

_FEW, _MORE = 2, 3
"""Images of two runs: a number that is the same in both does not depend on how many there are."""

_DROPOUTS = {
    functional.dropout: nn.Dropout,
    functional.dropout2d: nn.Dropout2d,
    functional.alpha_dropout: nn.AlphaDropout,
}
_RESHAPES = {"view", "reshape", torch.reshape}
_CHUNKS = {"chunk", torch.chunk}


class NamedOperators(NamedTuple):
    """What became of a network.

    Attributes:
        model: In evaluation mode; the network that was given, as it is, where nothing was rewritten.
        refusal: Why its functions stay functions, a clause; empty where they are modules now, or none could be.
    """

    model: nn.Module
    refusal: str = ""


def name_operators(model: nn.Module, images: Tensor) -> NamedOperators:
    """Copy a network, with a module in the place of each function that could be on a grid.

    Activations, sums, products, concatenations, matrix products, pools and means over pixels become modules beside the
    module that calls them; all others keep their names and weights. Numbers that are computed from the size of an image
    become constants. A network that is written in modules alone is given back as it is.

    Args:
        model: A network; it is left as it is.
        images: Normalised, shape (N, C, H, W), on the device of the model: its answers to the first of them must stay.
    """
    images = images[:COMPARED_IMAGES]
    copied = copy.deepcopy(model).eval()
    try:
        traced = trace_calls(copied)
        if not any(_is_quantizable(node) for node in traced.graph.nodes):
            return NamedOperators(model)
        in_training = trace_calls(copied.train())
    except UntraceableError as error:
        return NamedOperators(model, f"torch.fx cannot trace {error.where or error}")
    copied.eval()
    if [_what(node) for node in traced.graph.nodes] != [_what(node) for node in in_training.graph.nodes]:
        return NamedOperators(model, "the network computes something else while it trains than when it answers")
    expected = answers(copied, images)
    _name_dropouts(traced, in_training)
    values = _values(traced, images)
    _settle_numbers(traced, values)
    _name_calls(traced, values)
    traced.graph.eliminate_dead_code()
    traced.graph.lint()
    rewritten = fx.GraphModule(traced, traced.graph, class_name=type(model).__name__).eval()
    gap = answer_gap(expected, answers(rewritten, images))
    if not gap <= EXACT:
        return NamedOperators(model, f"with a module for each, its logits lie {gap:.1%} of their spread apart")
    return NamedOperators(rewritten)


def is_function(node: fx.Node) -> bool:
    """Say whether a node calls a function, or a method of a tensor."""
    return node.op in {"call_function", "call_method"}


def _is_quantizable(node: fx.Node) -> bool:
    form = function_module(node.target) if is_function(node) else None
    return form is not None and form.is_quantizable


def _what(node: fx.Node) -> tuple[str, object]:
    return node.op, node.target


class _Values(fx.Interpreter):
    """Runs a graph and keeps what each node gives, tensors by their shape alone."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.found: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> object:
        """Run a node, and note what it gives."""
        value = super().run_node(n)
        self.found[n] = value.shape if isinstance(value, Tensor) else value
        return value


class _Value(NamedTuple):
    """What a node gives.

    Attributes:
        number: A whole number that is the same for any number of images; None where it gives another thing.
        shape: Of a tensor, -1 where the number of images decides; None where it gives another thing.
    """

    number: int | None
    shape: tuple[int, ...] | None


def _values(traced: fx.GraphModule, images: Tensor) -> dict[fx.Node, _Value]:
    few, more = _Values(traced), _Values(traced)
    with torch.no_grad():
        few.run(images[:1].repeat(_FEW, 1, 1, 1))
        more.run(images[:1].repeat(_MORE, 1, 1, 1))
    return {node: _value(node, value, more.found[node]) for node, value in few.found.items()}


def _value(node: fx.Node, of_few: object, of_more: object) -> _Value:
    if isinstance(of_few, torch.Size) and isinstance(of_more, torch.Size) and not _gives_size(node):
        return _Value(None, tuple(size if size == other else -1 for size, other in zip(of_few, of_more, strict=True)))
    return _Value(of_few if type(of_few) is int and of_few == of_more else None, None)


def _gives_size(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target == "size"
    return node.op == "call_function" and node.target is getattr and bool(node.args[1] == "shape")


def _settle_numbers(traced: fx.GraphModule, values: Mapping[fx.Node, _Value]) -> None:
    """Write numbers that images of one size do not change as constants, and so the shapes that are asked for."""
    numbers = {node: value.number for node, value in values.items() if value.number is not None}
    for node in list(traced.graph.nodes):
        node.args = fx.map_arg(node.args, lambda each: numbers.get(each, each))
        node.kwargs = fx.map_arg(node.kwargs, lambda each: numbers.get(each, each))
        shape = values[node].shape
        if is_function(node) and node.target in _RESHAPES and not node.kwargs and shape and shape.count(-1) == 1:
            node.args = (node.args[0], shape)
        elif is_function(node) and node.target in _CHUNKS and not (node.kwargs.keys() - {"dim"}):
            _write_chunk_as_split(traced, node, values[node.args[0]].shape)


def _write_chunk_as_split(traced: fx.GraphModule, node: fx.Node, shape: tuple[int, ...] | None) -> None:
    """Say how large the parts are, where their number is given: the exporter would let the file compute that."""
    source, chunks, *given = node.args
    dim = node.kwargs.get("dim", given[0] if given else 0)
    if shape is None or not isinstance(chunks, int) or not isinstance(dim, int) or shape[dim] < 0:
        return
    with traced.graph.inserting_before(node):
        split = traced.graph.call_function(torch.split, (source, -(-shape[dim] // chunks), dim))
    node.replace_all_uses_with(split)
    traced.graph.erase_node(node)


def _name_dropouts(traced: fx.GraphModule, in_training: fx.GraphModule) -> None:
    """Let what ``F.dropout`` did in training alone go on to do so: the graph of evaluation has forgotten it."""
    for node, trained in zip(list(traced.graph.nodes), list(in_training.graph.nodes), strict=True):
        kind = _DROPOUTS.get(node.target) if node.op == "call_function" else None
        if kind is None:
            continue
        given, in_fit = (dict(zip(("input", "p", "training"), each.args, strict=False)) for each in (node, trained))
        given, in_fit = {**given, **node.kwargs}, {**in_fit, **trained.kwargs}
        if given.get("training", True) is False and in_fit.get("training", True) is True:
            _replace(traced, node, kind(given.get("p", 0.5)), (given["input"],))


def _name_calls(traced: fx.GraphModule, values: dict[fx.Node, _Value]) -> None:
    for node in list(traced.graph.nodes):
        form = function_module(node.target) if is_function(node) else None
        if form is None or values[node].shape is None:
            continue
        arguments = {**dict(zip(form.names, node.args, strict=False)), **node.kwargs}
        tensors = _tensors(arguments, form, values)
        rest = {name: value for name, value in arguments.items() if name not in form.names[: form.tensors]}
        if not tensors or rest.keys() - set(form.names) or any(map(_is_computed, rest.values())):
            continue
        module = form.make(rest, len(values[tensors[0]].shape or ()))
        if module is not None:
            values[_replace(traced, node, module, tensors)] = values[node]


def _tensors(arguments: Arguments, form: FunctionModule, values: Mapping[fx.Node, _Value]) -> tuple[fx.Node, ...]:
    """Give the tensors of a call; nothing where one is a number, or is stored and not computed."""
    given: list[object] = [arguments.get(name) for name in form.names[: form.tensors]]
    if form.tensors == 1 and isinstance(given[0], Sequence):
        given = list(given[0])
    found = [
        each
        for each in given
        if isinstance(each, fx.Node) and each.op != "get_attr" and each in values and values[each].shape is not None
    ]
    return tuple(found) if len(found) == len(given) else ()


def _is_computed(argument: Any) -> bool:  # noqa: ANN401 # whatever a function takes
    found: list[fx.Node] = []
    fx.map_arg(argument, found.append)
    return bool(found)


def _replace(traced: fx.GraphModule, node: fx.Node, module: nn.Module, tensors: tuple[fx.Node, ...]) -> fx.Node:
    """Put the call of a new module, beside the one that made the call, in the place of a node."""
    owner = next(reversed(node.meta.get("nn_module_stack", {})), "")
    name = f"{owner}.{node.name}" if owner else node.name
    taken = dict(traced.named_modules())
    while name in taken:
        name += "_"
    traced.add_submodule(name, module.eval())
    with traced.graph.inserting_before(node):
        call = traced.graph.call_module(name, tensors)
    node.replace_all_uses_with(call)
    traced.graph.erase_node(node)
    return call
