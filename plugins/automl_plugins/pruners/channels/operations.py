"""Says for each operation of torch which channels of its result are those of its inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from automl_plugins.pruners.channels.units import (
    CONSTANT,
    ChannelUnits,
    Labels,
    along,
    collapsed,
    constant,
    first_along,
    is_constant,
    varying,
)

_VIEWS = {"view", "_unsafe_view", "reshape", "_reshape_alias", "alias", "detach", "lift_fresh", "expand"}
_MOVES = {
    "cat", "channel_shuffle", "constant_pad_nd", "flip", "native_channel_shuffle", "permute", "pixel_shuffle",
    "pixel_unshuffle", "repeat", "roll", "select", "slice", "split", "split_with_sizes", "squeeze", "stack", "t",
    "transpose", "unbind", "unsqueeze",
}  # fmt: skip
_SAME_SHAPE = {
    "_to_copy", "bernoulli", "clone", "contiguous", "empty_like", "native_dropout", "ones_like", "rand_like",
    "randn_like", "zeros_like",
}  # fmt: skip
_ELEMENTWISE = {"_prelu_kernel", "hardswish", "log_sigmoid_forward", "polar", "rrelu_with_noise"}
"""Those that torch does not tag as pointwise."""

_WINDOWS = (
    "_adaptive_avg_pool", "adaptive_max_pool", "avg_pool", "max_pool", "reflection_pad", "replication_pad", "upsample",
    "_upsample",
)  # fmt: skip
_REDUCTIONS = {
    "all", "amax", "amin", "any", "argmax", "argmin", "linalg_vector_norm", "logsumexp", "max", "mean", "min", "norm",
    "prod", "std", "std_mean", "sum", "var", "var_mean",
}  # fmt: skip
_ALONG_ONE = {"_log_softmax", "_softmax", "cummax", "cumprod", "cumsum", "sort"}
_PRODUCTS = {"bmm", "mm"}
_WRITES = {"copy", "fill", "index_put", "masked_fill", "zero"}


@dataclass(frozen=True)
class Call:
    """A call of an operation of torch.

    Attributes:
        units: Learns what the operation ties together, or mixes.
        operation: Overload of an operator, as a dispatch mode sees it.
        arguments: By name.
        result: A tensor or several.
        labels_of: Gives the labels of a tensor that was seen.
        where: Names the module that called.
    """

    units: ChannelUnits
    operation: Any
    arguments: dict[str, Any]
    result: Any
    labels_of: Callable[[Tensor], Labels]
    where: str

    @property
    def name(self) -> str:
        """Of the operation, the same in place."""
        return str(self.operation.overloadpacket.__name__).rstrip("_")

    @property
    def why(self) -> str:
        """Begin a reason."""
        return f"{self.name.strip('_')} in {self.where}"

    @cached_property
    def given(self) -> list[Labels]:
        """Labels of all tensors among the arguments."""
        return [self.labels_of(leaf) for leaf in tree_leaves(self.arguments) if isinstance(leaf, Tensor)]

    @cached_property
    def shape(self) -> torch.Size | None:
        """Shape of the first tensor of the result."""
        return next((leaf.shape for leaf in tree_leaves(self.result) if isinstance(leaf, Tensor)), None)

    def filled(self, label: Callable[[Tensor], Labels]) -> Any:
        """Label each tensor of the result."""
        return tree_map(lambda leaf: label(leaf) if isinstance(leaf, Tensor) else leaf, self.result)

    def mixed(self, reason: str) -> Any:
        """Keep all that was given, and give none of it on."""
        for labels in self.given:
            self.units.keep(labels, reason)
        return self.filled(lambda leaf: constant(leaf.shape))


def result_labels(call: Call) -> Any:
    """Label what an operation of torch gave.

    Returns:
        Labels in the structure of the result.
    """
    if call.shape is None or all(is_constant(labels) for labels in call.given):
        return call.filled(lambda leaf: constant(leaf.shape))
    follow = next((follow for follow, follows in _FOLLOWED if follows(call)), None)
    return follow(call) if follow is not None else call.mixed(f"{call.why} mixes them")


def channel_labels(units: ChannelUnits, labels: Labels, dimension: int, why: str) -> Labels:
    """Give one label an index of a dimension: whatever else the labels change along is tied."""
    labels = collapsed(labels)
    dimension %= labels.dim()
    for other in varying(labels):
        if other != dimension:
            first = first_along(labels, other)
            units.tie(labels, first, why)
            labels = first
    for other in reversed(range(labels.dim())):
        if other != dimension:
            labels = labels.select(other, 0)
    return labels.clone()


def _written(call: Call) -> Any:
    return call.mixed(f"{call.why} writes over them")


def _same(call: Call) -> Any:
    return call.filled(lambda leaf: call.given[0].expand(leaf.shape))


def _viewed(call: Call) -> Any:
    before = call.given[0]
    after = call.filled(lambda leaf: before.expand(leaf.shape) if call.name == "expand" else before.reshape(leaf.shape))
    return _rectangular(call, before, collapsed(after))


def _moved(call: Call) -> Any:
    """Let the operation move the labels as it moved the values."""
    replaced = tree_map(lambda leaf: call.labels_of(leaf) if isinstance(leaf, Tensor) else leaf, call.arguments)
    if "value" in replaced:
        replaced["value"] = CONSTANT
    before = next(leaf for leaf in tree_leaves(replaced) if isinstance(leaf, Tensor))
    moved = tree_map(lambda leaf: collapsed(leaf) if isinstance(leaf, Tensor) else leaf, call.operation(**replaced))
    if call.name == "split" and len({leaf.shape for leaf in moved}) == 1:
        dimension = int(call.arguments.get("dim", 0)) % before.dim()
        if dimension in varying(collapsed(before)):  # parts of equal size stay of equal size
            for part in moved[1:]:
                call.units.tie(moved[0], part, f"{call.why} parts them evenly")
    return _rectangular(call, before, moved) if isinstance(moved, Tensor) else moved


def _rectangular(call: Call, before: Labels, after: Labels) -> Labels:
    """Tie the shorter side where a view makes two dimensions of the channels: what is left must be a rectangle."""
    if len(varying(collapsed(before))) > 1:
        return after
    for dimension in sorted(varying(after), key=after.shape.__getitem__, reverse=True)[1:]:
        first = first_along(after, dimension)
        call.units.tie(after, first, f"{call.why} arranges them in a rectangle with what stays")
        after = first
    return after


def _window(call: Call) -> Any:
    read = channel_labels(call.units, call.given[0], 1, f"{call.why} joins them with what stays")
    return call.filled(lambda leaf: along(read, 1, leaf.shape))


def _reduced(call: Call) -> Any:
    labels, given = call.given[0], call.arguments.get("dim")
    if given is None or given == []:
        _keep_along(call, labels, range(labels.dim()), f"{call.why} runs over them")
        return call.filled(lambda leaf: constant(leaf.shape))
    dimensions = [int(d) % labels.dim() for d in (given if isinstance(given, list | tuple) else [given])]
    _keep_along(call, labels, dimensions, f"{call.why} runs over them")
    for dimension in dimensions:
        labels = labels.narrow(dimension, 0, 1)
    return call.filled(lambda leaf: labels.reshape(leaf.shape))


def _along_one(call: Call) -> Any:
    _keep_along(call, call.given[0], [int(call.arguments["dim"])], f"{call.why} runs over them")
    return _same(call)


def _layer_norm(call: Call) -> Any:
    labels = call.labels_of(call.arguments["input"])
    size = len(call.arguments["normalized_shape"])
    _keep_along(call, labels, range(-size, 0), f"{call.why} averages over them")
    return call.filled(lambda leaf: labels if leaf.shape == labels.shape else constant(leaf.shape))


def _gated(call: Call) -> Any:
    halves = call.given[0].chunk(2, int(call.arguments.get("dim", -1)))
    return call.filled(lambda leaf: _joined(call, halves, leaf.shape))


def _elementwise(call: Call) -> Any:
    return call.filled(lambda leaf: _joined(call, call.given, leaf.shape))


def _keep_along(call: Call, labels: Labels, dimensions: Sequence[int], reason: str) -> None:
    if {d % labels.dim() for d in dimensions} & set(varying(collapsed(labels))):
        call.units.keep(labels, reason)


def _joined(call: Call, given: Sequence[Labels], shape: Sequence[int]) -> Labels:
    """Label what is computed element by element."""
    joined = constant((1,) * len(shape))
    for labels in given:
        if labels.numel() > 1 or not is_constant(labels):
            joined = _join(call, joined, labels.reshape((1,) * (len(shape) - labels.dim()) + labels.shape))
    return joined.expand(tuple(shape))


def _join(call: Call, left: Labels, right: Labels) -> Labels:
    left, right = collapsed(left), collapsed(right)
    shape = tuple(max(sizes) for sizes in zip(left.shape, right.shape, strict=True))
    aligned = {d for d in range(len(shape)) if left.size(d) == right.size(d)}
    free_left, free_right = (set(varying(labels)) - aligned for labels in (left, right))
    reason = f"{call.why} joins them with what stays"
    if free_left and free_right:
        for labels in (left, right):
            call.units.keep(labels, f"{call.why} crosses them with others")
        return constant(shape)
    for free, wide, narrow in ((free_left, left, right), (free_right, right, left)):
        if free:  # the other is the same for all of these channels, as a gate for each pixel is
            if set(varying(narrow)):
                call.units.keep(narrow, reason)
            if set(varying(wide)) - free:
                call.units.keep(wide, reason)
            return wide.expand(shape)
    left, right = left.expand(shape), right.expand(shape)
    if set(varying(left)) | set(varying(right)):
        call.units.tie(left, right, reason)
    return collapsed(torch.where(left == CONSTANT, right, left))


def _product(call: Call) -> Any:
    """Label a product of matrices: rows of the one and columns of the other stay apart, what is summed over is tied."""
    left, right = (collapsed(labels) for labels in call.given)
    last = left.dim() - 1
    rows, columns = varying(left), varying(right)
    if rows == [last] and columns == [last - 1]:
        summed = (
            channel_labels(call.units, left, last, call.why),
            channel_labels(call.units, right, last - 1, call.why),
        )
        call.units.tie(*summed, f"{call.why} sums over them")
        return call.filled(lambda leaf: constant(leaf.shape))
    if rows == [last - 1] and not columns:
        return call.filled(
            lambda leaf: along(channel_labels(call.units, left, last - 1, call.why), last - 1, leaf.shape)
        )
    if columns == [last] and not rows:
        return call.filled(lambda leaf: along(channel_labels(call.units, right, last, call.why), last, leaf.shape))
    return call.mixed(f"{call.why} mixes them")


_FOLLOWED: tuple[tuple[Callable[[Call], Any], Callable[[Call], bool]], ...] = (
    (_written, lambda call: call.name in _WRITES and call.operation._schema.is_mutable),  # noqa: SLF001 # no public name
    (_same, lambda call: call.name in _SAME_SHAPE),
    (_same, lambda call: call.name == "as_strided" and call.shape == call.given[0].shape),
    (_viewed, lambda call: call.name in _VIEWS),
    (_moved, lambda call: call.name in _MOVES),
    (_window, lambda call: call.name.startswith(_WINDOWS) and call.given[0].dim() > 2),
    (_reduced, lambda call: call.name in _REDUCTIONS and len(call.given) == 1),
    (_along_one, lambda call: call.name in _ALONG_ONE),
    (_layer_norm, lambda call: call.name == "native_layer_norm"),
    (_gated, lambda call: call.name == "glu"),
    (_product, lambda call: call.name in _PRODUCTS),
    (_elementwise, lambda call: call.name in _ELEMENTWISE or torch.Tag.pointwise in call.operation.tags),
)
"""How the labels of a result follow from those of the arguments, and of which calls: the first that fits counts."""
