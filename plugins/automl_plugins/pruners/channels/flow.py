"""Follows the channels of a network through one run of it: which stand or fall together, and which must stay."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from automl_plugins.pruners.channels.layers import LAYERS, Layer, layer_labels
from automl_plugins.pruners.channels.operations import Call, result_labels
from automl_plugins.pruners.channels.units import ChannelUnits, Labels, constant

_LARGEST_LOOSE = 1 << 16
"""A tensor outside the layers with more elements than this is taken for a constant: a label an element costs time."""

LOGITS = "makes the logits"


@dataclass(frozen=True)
class ChannelFlow:
    """What one run of a network said about its channels.

    Attributes:
        layers: By name, in the order in which they ran.
        loose: Parameters and buffers that no layer holds, by name: dimension of their channels, and unit of each.
        classes: Of each unit: units of one class go together.
        reasons: Of a class that must stay.
    """

    layers: Mapping[str, Layer]
    loose: Mapping[str, tuple[int, Labels]]
    classes: NDArray[np.int64]
    reasons: Mapping[int, str]

    def classes_of(self, labels: Labels) -> NDArray[np.int64]:
        """Give the class of each unit, -1 where there is none."""
        units = labels.numpy().astype(np.int64)
        return np.where(units < 0, -1, self.classes[np.maximum(units, 0)] if len(self.classes) else -1)


def channel_flow(model: nn.Module, images: Tensor) -> ChannelFlow:
    """Run a network and follow its channels.

    Args:
        model: In evaluation mode; its weights may be any.
        images: A batch (N, C, H, W) of two or so.
    """
    follower = Follower(model)
    with follower.following():
        seen = [model(images)]
    if not follower.has_seen_all:  # an auxiliary branch, for one, runs in training alone
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        with follower.following(), torch.random.fork_rng(devices=[]):
            seen.append(model.train()(images))
        model.eval()
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    return follower.flow(seen)


@dataclass(eq=False)
class Follower:
    """Watches a network run, operation by operation.

    Attributes:
        model: Runs once, inside ``following``.
    """

    model: nn.Module
    units: ChannelUnits = field(default_factory=ChannelUnits)

    def __post_init__(self) -> None:
        self._layers: dict[nn.Module, Layer] = {}
        self._ran: dict[str, Layer] = {}
        self._labels: dict[int, tuple[Tensor, Labels]] = {}  # the tensor is held, so that no other gets its number
        self._inside = 0
        self._modules: list[str] = []
        self._owners: dict[int, list[Layer]] = {}
        self._loose: dict[int, tuple[str, Tensor]] = {}
        for name, module in self.model.named_modules():
            if isinstance(module, LAYERS):
                layer = Layer(name, module)
                self._layers[module] = layer
                for parameter in module.parameters():
                    self._owners.setdefault(id(parameter), []).append(layer)
        for name, tensor in (*self.model.named_parameters(), *self.model.named_buffers()):
            if id(tensor) not in self._owners:
                self._loose[id(tensor)] = (name, tensor)

    @property
    def has_seen_all(self) -> bool:
        """Whether every layer has run."""
        return len(self._ran) == len(self._layers)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow what runs inside."""
        hooks = []
        for name, module in self.model.named_modules():
            hooks.append(module.register_forward_pre_hook(self._entering(name)))
            hooks.append(module.register_forward_hook(self._leaving(), with_kwargs=True, always_call=False))
        try:
            with torch.no_grad(), _Watch(self._followed):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def labels_of(self, tensor: Tensor) -> Labels:
        """Give the labels of a tensor that was seen; of any other, those of a constant."""
        known = self._labels.get(id(tensor))
        if known is not None:
            return known[1]
        loose = self._loose.get(id(tensor))
        if loose is not None and 1 < tensor.numel() <= _LARGEST_LOOSE and tensor.is_floating_point():
            self._note(tensor, self.units.new(tensor.numel()).reshape(tensor.shape))
            return self._labels[id(tensor)][1]
        for layer in self._owners.get(id(tensor), ()):
            for labels in (layer.inputs, layer.outputs):
                if labels is not None:
                    self.units.keep(labels, f"its weight is used outside of layer {layer.name!r}, too")
        return constant(tensor.shape)

    def flow(self, answer: object) -> ChannelFlow:
        """Conclude from the run, which gave this answer."""
        for leaf in tree_leaves(answer):
            if isinstance(leaf, Tensor):
                self.units.keep(self.labels_of(leaf), LOGITS)
        self._tie_shared_weights()
        classes = self.units.classes()
        reasons: dict[int, str] = {}
        for unit, reason in sorted(self.units.reasons.items()):
            reasons.setdefault(int(classes[unit]), reason)
        loose = {}
        for key, (name, tensor) in self._loose.items():
            if key in self._labels:
                own = classes[self._labels[key][1].numpy().astype(np.int64)]
                dimension = _dimension_of_classes(own)
                if dimension is not None:
                    index = tuple(slice(None) if d == dimension else 0 for d in range(tensor.dim()))
                    loose[name] = (dimension, self._labels[key][1][index].clone())
                else:
                    for each in np.unique(own).tolist():
                        reasons.setdefault(each, f"parameter {name!r} is not laid out by channel")
        return ChannelFlow(self._ran, loose, classes, reasons)

    def _entering(self, name: str) -> Callable[[nn.Module, Any], None]:
        def enter(module: nn.Module, _given: Any) -> None:
            self._modules.append(name)
            self._inside += module in self._layers

        return enter

    def _leaving(self) -> Callable[[nn.Module, Any, Any, Any], None]:
        def leave(module: nn.Module, given: Any, named: Any, result: Any) -> None:
            layer = self._layers.get(module)
            if layer is not None and self._inside == 1:
                self._layer_ran(
                    layer, [leaf for leaf in tree_leaves((given, named)) if isinstance(leaf, Tensor)], result
                )
            self._inside -= layer is not None
            self._modules.pop()

        return leave

    def _layer_ran(self, layer: Layer, given: list[Tensor], result: Any) -> None:
        self._ran.setdefault(layer.name, layer)
        for other in given[1:]:
            self.units.keep(self.labels_of(other), f"layer {layer.name!r} takes them besides its input")
        labels = layer_labels(self.units, layer, given[0], self.labels_of(given[0]), result)
        if labels is not None:
            self._note(result, labels)

    def _followed(self, operation: Any, arguments: dict[str, Any], result: Any) -> None:
        if self._inside:
            return
        where = f"module {self._modules[-1]!r}" if self._modules and self._modules[-1] else "the forward pass"
        labels = result_labels(Call(self.units, operation, arguments, result, self.labels_of, where))
        tree_map(lambda leaf, made: self._note(leaf, made) if isinstance(leaf, Tensor) else None, result, labels)

    def _note(self, tensor: Tensor, labels: Labels) -> None:
        self._labels[id(tensor)] = (tensor, labels)

    def _tie_shared_weights(self) -> None:
        for owners in self._owners.values():
            first = owners[0]
            for other in owners[1:]:
                for mine, theirs in ((first.outputs, other.outputs), (first.inputs, other.inputs)):
                    if mine is not None and theirs is not None and mine.shape == theirs.shape:
                        self.units.tie(mine, theirs, f"layers {first.name!r} and {other.name!r} share a weight")
                    elif mine is not None or theirs is not None:
                        for labels in (mine, theirs):
                            if labels is not None:
                                self.units.keep(labels, f"layers {first.name!r} and {other.name!r} share a weight")


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch annotates no __init_subclass__
    """Tells of each operation that runs."""

    def __init__(self, tell: Callable[[Any, dict[str, Any], Any], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # nor this
        self._tell = tell

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        names = [argument.name for argument in func._schema.arguments]  # noqa: SLF001 # public name has none
        self._tell(func, dict(zip(names, args, strict=False)) | kwargs, result)
        return result


def _dimension_of_classes(classes: NDArray[np.int64]) -> int | None:
    """Find the dimension whose every index is one class."""
    for dimension in range(classes.ndim):
        rows = np.moveaxis(classes, dimension, 0).reshape(classes.shape[dimension], -1)
        if len(rows) > 1 and bool((rows == rows[:, :1]).all()):
            return dimension
    return None
