"""Folds batch normalisation into the layer before it: what is deployed, and therefore quantized, has none."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from automl.core.fidelity import EXACT
from automl.errors import UntraceableError
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers
from automl.network.tracing import trace

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_LAYERS = (*_CONVOLUTIONS, nn.Linear)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class _Pair(NamedTuple):
    """Names of a layer and of the normalisation that it feeds alone."""

    layer: str
    norm: str


def fold_batch_norm(model: nn.Module, images: Tensor) -> nn.Module:
    """Copy a model for inference, each batch normalisation folded into the convolution or linear layer before it.

    Args:
        model: A network; it is left as it is.
        images: Normalised, shape (N, C, H, W), on the device of the model: its answers to the first of them must stay.

    Returns:
        A copy in evaluation mode, of the same classes and names, with an ``nn.Identity`` in the place of each
        normalisation that was folded. One stays where it does not follow a layer that feeds it alone, where it has
        no running statistics, where either is of a class of its own, has hooks or runs twice, where the network
        cannot be traced, and where the answers would change.
    """
    folded, images = copy.deepcopy(model).eval(), images[:COMPARED_IMAGES]
    pairs = _pairs(folded, images)
    if not pairs:
        return folded
    expected = answers(folded, images)
    _fold(folded, pairs)
    if answer_gap(expected, answers(folded, images)) <= EXACT:
        return folded
    harmless = [pair for pair in pairs if answer_gap(expected, answers(_folded(model, [pair]), images)) <= EXACT]
    folded = _folded(model, harmless)
    is_exact = answer_gap(expected, answers(folded, images)) <= EXACT
    return folded if is_exact else copy.deepcopy(model).eval()


def _folded(model: nn.Module, pairs: Sequence[_Pair]) -> nn.Module:
    copied = copy.deepcopy(model).eval()
    _fold(copied, pairs)
    return copied


def _fold(model: nn.Module, pairs: Sequence[_Pair]) -> None:
    for pair in pairs:
        layer, norm = model.get_submodule(pair.layer), model.get_submodule(pair.norm)
        fuse = fuse_linear_bn_weights if isinstance(layer, nn.Linear) else fuse_conv_bn_weights
        statistics = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
        is_trainable = layer.get_parameter("weight").requires_grad
        with torch.no_grad():
            weight, bias = fuse(layer.weight, layer.bias, *statistics)  # type: ignore[arg-type] # torch's module attributes
        # New parameters: another layer may share the old ones. Torch freezes the bias of a layer that had none.
        layer.weight = nn.Parameter(weight.detach(), requires_grad=is_trainable)
        layer.bias = nn.Parameter(bias.detach(), requires_grad=is_trainable)
        model.set_submodule(pair.norm, nn.Identity().eval())


def _pairs(model: nn.Module, images: Tensor) -> list[_Pair]:
    """Find what may be folded, as far as classes, hooks, shapes and the graph say."""
    try:
        graph = trace(model).graph
    except UntraceableError:
        return []
    dimensions = _input_dimensions(model, images)
    return [
        pair
        for node in graph.nodes
        if (pair := _pair(graph, node)) is not None
        and _fits(model.get_submodule(pair.layer), model.get_submodule(pair.norm), dimensions.get(pair.norm, 0))
    ]


def _pair(graph: fx.Graph, norm: fx.Node) -> _Pair | None:
    source = norm.args[0] if norm.op == "call_module" and norm.args else None
    if not isinstance(source, fx.Node) or len(source.users) != 1:
        return None
    is_pair = _is_only_call(graph, source) and _is_only_call(graph, norm)
    return _Pair(str(source.target), str(norm.target)) if is_pair else None


def _is_only_call(graph: fx.Graph, node: fx.Node) -> bool:
    return [each for each in graph.nodes if each.op == "call_module" and each.target == node.target] == [node]


def _fits(layer: nn.Module, norm: nn.Module, dimensions: int) -> bool:
    """Say whether a layer, whose output has so many dimensions, gives the channels that a normalisation normalises."""
    if type(layer) not in _LAYERS or type(norm) not in _BATCH_NORMS or _has_hooks(layer) or _has_hooks(norm):
        return False
    if norm.running_mean is None or norm.running_var is None:
        return False
    features = len(norm.running_mean)  # type: ignore[arg-type] # a buffer
    if isinstance(layer, nn.Linear):  # over more than vectors its last dimension is not that of the channels
        return dimensions == 2 and layer.out_features == features
    return isinstance(layer, _CONVOLUTIONS) and layer.out_channels == features and dimensions == layer.weight.dim()


def _has_hooks(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)  # noqa: SLF001 # torch has no other way to ask
    return any(hooks) or "forward" in vars(module)


def _input_dimensions(model: nn.Module, images: Tensor) -> dict[str, int]:
    """Run the network, and count the dimensions of what reaches each of its normalisations."""
    seen: dict[str, int] = {}
    handles = [
        module.register_forward_pre_hook(lambda _module, inputs, name=name: seen.update({name: inputs[0].dim()}))
        for name, module in model.named_modules()
        if type(module) in _BATCH_NORMS
    ]
    try:
        answers(model, images[:2])
    finally:
        for handle in handles:
            handle.remove()
    return seen
