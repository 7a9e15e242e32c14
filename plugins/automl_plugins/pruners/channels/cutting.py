"""Takes channels out of the layers of a network, and silences them in one that keeps its shape."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from automl_plugins.pruners.channels.flow import ChannelFlow
from automl_plugins.pruners.channels.layers import (
    BATCH_NORMS,
    CONVOLUTIONS,
    INSTANCE_NORMS,
    READERS,
    TRANSPOSED,
    Layer,
)
from automl_plugins.pruners.channels.units import Labels

Classes = Collection[int]
"""What goes, as classes of ``ChannelFlow``."""


def cut_channels(model: nn.Module, flow: ChannelFlow, removed: Classes) -> None:
    """Take channels out of a network, in place.

    Args:
        model: The network that was followed, or a copy of it.
        flow: What goes together in it.
        removed: Classes of channels.
    """
    done: set[int] = set()  # a parameter that layers share is cut once
    for layer in flow.layers.values():
        module = model.get_submodule(layer.name)
        inputs, outputs = (kept_positions(flow, labels, removed) for labels in (layer.inputs, layer.outputs))
        if inputs is None or outputs is None:
            continue
        if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)):
            _cut_convolution(module, inputs, outputs, done)
        elif isinstance(module, nn.Linear):
            module.in_features, module.out_features = len(inputs), len(outputs)
            _cut(module, "weight", (outputs, inputs), done)
            _cut(module, "bias", (outputs,), done)
        else:
            _cut_vectors(module, inputs, done)
    for name, (dimension, labels) in flow.loose.items():
        kept = kept_positions(flow, labels, removed)
        owner, _, own = name.rpartition(".")
        if kept is not None:
            _cut(model.get_submodule(owner), own, (None,) * dimension + (kept,), done)


def kept_positions(flow: ChannelFlow, labels: Labels | None, removed: Classes) -> Tensor | None:
    """List the channels of a layer that stay."""
    if labels is None:
        return None
    return torch.from_numpy(np.flatnonzero(~np.isin(flow.classes_of(labels), list(removed))))


@contextmanager
def silenced(model: nn.Module, flow: ChannelFlow, removed: Classes) -> Iterator[None]:
    """Let every layer read and make zeros where channels go: what the network has to answer without these channels."""
    hooks = []
    for layer in flow.layers.values():
        module = model.get_submodule(layer.name)
        inputs, outputs = (kept_positions(flow, labels, removed) for labels in (layer.inputs, layer.outputs))
        if isinstance(module, READERS) and layer.inputs is not None and inputs is not None:
            hooks.append(module.register_forward_pre_hook(_reading_only(inputs, layer)))
        if layer.outputs is not None and outputs is not None:
            hooks.append(module.register_forward_hook(_making_only(outputs, layer)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _reading_only(kept: Tensor, layer: Layer) -> Any:
    def read(_module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return (_only(given[0], layer.dimension, kept), *given[1:])

    return read


def _making_only(kept: Tensor, layer: Layer) -> Any:
    def make(_module: nn.Module, _given: Any, made: Tensor) -> Tensor:
        return _only(made, layer.dimension, kept)

    return make


def _only(values: Tensor, dimension: int, kept: Tensor) -> Tensor:
    if len(kept) == values.shape[dimension]:
        return values
    shape = [1] * values.dim()
    shape[dimension] = -1
    mask = torch.zeros(values.shape[dimension], dtype=values.dtype)
    mask[kept] = 1
    return values * mask.to(values.device).reshape(shape)


def _cut_convolution(module: Any, inputs: Tensor, outputs: Tensor, done: set[int]) -> None:
    groups, transposed = module.groups, isinstance(module, TRANSPOSED)
    if groups > 1 and groups == module.in_channels:
        module.groups = len(inputs)
        _cut(module, "weight", (inputs,) if transposed else (outputs,), done)
    else:
        read, made = inputs, outputs
        if groups > 1 and transposed:
            made = outputs[: len(outputs) // groups]
        elif groups > 1:
            read = inputs[: len(inputs) // groups]
        _cut(module, "weight", (read, made) if transposed else (made, read), done)
    module.in_channels, module.out_channels = len(inputs), len(outputs)
    _cut(module, "bias", (outputs,), done)


def _cut_vectors(module: Any, kept: Tensor, done: set[int]) -> None:
    if isinstance(module, (*BATCH_NORMS, *INSTANCE_NORMS)):
        module.num_features = len(kept)
    elif isinstance(module, nn.GroupNorm):
        module.num_groups = len(kept) * module.num_groups // module.num_channels
        module.num_channels = len(kept)
    elif isinstance(module, nn.PReLU):
        module.num_parameters = len(kept)
    for name in ("weight", "bias", "running_mean", "running_var"):
        _cut(module, name, (kept,), done)


def _cut(owner: nn.Module, name: str, kept: tuple[Tensor | None, ...], done: set[int]) -> None:
    tensor = getattr(owner, name, None)
    if not isinstance(tensor, Tensor) or id(tensor) in done:
        return
    done.add(id(tensor))
    data = tensor.data
    for dimension, positions in enumerate(kept):
        if positions is not None and len(positions) < data.shape[dimension]:
            data = data.index_select(dimension, positions.to(data.device))
    if data.shape != tensor.shape:
        tensor.data = data.clone()
        tensor.grad = None
