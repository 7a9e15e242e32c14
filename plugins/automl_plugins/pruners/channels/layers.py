"""Says of the layers of torch, and of what derives from them, which channels they read, make and pass on."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from automl_plugins.pruners.channels.operations import channel_labels
from automl_plugins.pruners.channels.units import ChannelUnits, Labels, along, collapsed, constant, varying

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
LAYERS = (
    *CONVOLUTIONS,
    *TRANSPOSED,
    *BATCH_NORMS,
    *INSTANCE_NORMS,
    nn.GroupNorm,
    nn.Linear,
    nn.PReLU,
)
READERS = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)


@dataclass
class Layer:
    """What is known of a layer after it ran.

    Attributes:
        inputs: Unit of each channel that it reads, once it ran.
        outputs: Unit of each channel that it makes; those that it reads, where it makes none.
    """

    name: str
    module: nn.Module
    inputs: Labels | None = None
    outputs: Labels | None = None

    @property
    def dimension(self) -> int:
        """Dimension of its channels in what it reads and makes, counted as torch does."""
        return -1 if isinstance(self.module, nn.Linear) else 1


def layer_labels(units: ChannelUnits, layer: Layer, given: Tensor, labels: Labels, result: object) -> Labels | None:
    """Label what a layer made of what it was given; None where it did not make one tensor as its class does."""
    module, why = layer.module, f"layer {layer.name!r}"
    if not isinstance(result, Tensor):
        units.keep(labels, f"{why} gives them on with something else")
        return None
    if getattr(module, "weight", None) is not None and "weight" not in module._parameters:  # noqa: SLF001 # as torch asks
        layer.outputs = layer.outputs if layer.outputs is not None else units.new(result.shape[layer.dimension])
        units.keep(labels, f"{why} computes its weight at each call")
        units.keep(layer.outputs, "it computes its weight at each call")
        return constant(result.shape)
    follow = next(follow for kinds, follow in _FOLLOWED if isinstance(module, kinds))
    return follow(units, layer, given, collapsed(labels), result)


def _convolution(units: ChannelUnits, layer: Layer, given: Tensor, labels: Labels, result: Tensor) -> Labels:
    module, why = layer.module, f"layer {layer.name!r}"
    assert isinstance(module, (*CONVOLUTIONS, *TRANSPOSED))  # noqa: S101 # told to the type checker
    if given.dim() < 3 or result.dim() != given.dim() or result.shape[1] != module.out_channels:
        units.keep(labels, f"{why} does not make as many channels as its class says")
        return constant(result.shape)
    read = channel_labels(units, labels, 1, f"{why} reads them with what stays")
    _read(units, layer, read)
    if module.groups > 1 and module.groups == module.in_channels:
        if not bool((read >= 0).all()):
            units.keep(read, f"{why} reads what stays")
        layer.outputs = read.repeat_interleave(module.out_channels // module.in_channels)
        return along(layer.outputs, 1, result.shape)
    if layer.outputs is None:
        layer.outputs = units.new(module.out_channels)
    if module.groups > 1:
        for channels in (read, layer.outputs):
            each = channels.reshape(module.groups, -1)
            units.tie(each, each[:1], f"{why} reads them in groups with what stays")
    return along(layer.outputs, 1, result.shape)


def _linear(units: ChannelUnits, layer: Layer, _given: Tensor, labels: Labels, result: Tensor) -> Labels:
    module = layer.module
    assert isinstance(module, nn.Linear)  # noqa: S101 # told to the type checker
    if layer.outputs is None:
        layer.outputs = units.new(module.out_features)
    last = labels.dim() - 1
    elsewhere = [d for d in varying(labels) if d != last]
    if elsewhere:  # it runs over the pixels of each channel
        if last in varying(labels):
            units.keep(labels, f"layer {layer.name!r} crosses them with others")
        units.keep(layer.outputs, "it runs over pixels, not channels")
        _read(units, layer, constant((module.in_features,)))
        if last in varying(labels):
            return constant(result.shape)
        return labels.narrow(last, 0, 1).expand(result.shape)
    _read(units, layer, channel_labels(units, labels, -1, ""))
    return along(layer.outputs, result.dim() - 1, result.shape)


def _each_channel(units: ChannelUnits, layer: Layer, given: Tensor, labels: Labels, result: Tensor) -> Labels:
    if given.dim() < 2 or result.shape != given.shape:
        units.keep(labels, f"layer {layer.name!r} changes their shape")
        return constant(result.shape)
    read = channel_labels(units, labels, 1, f"layer {layer.name!r} normalises them with what stays")
    _read(units, layer, read)
    layer.outputs = layer.inputs
    return along(read, 1, result.shape)


def _prelu(units: ChannelUnits, layer: Layer, given: Tensor, labels: Labels, result: Tensor) -> Labels:
    if layer.module.num_parameters == 1:
        return labels
    return _each_channel(units, layer, given, labels, result)


def _group_norm(units: ChannelUnits, layer: Layer, given: Tensor, labels: Labels, result: Tensor) -> Labels:
    module = layer.module
    assert isinstance(module, nn.GroupNorm)  # noqa: S101 # told to the type checker
    if module.num_groups == 1:
        units.keep(labels, f"layer {layer.name!r} averages over all of them")
    made = _each_channel(units, layer, given, labels, result)
    if layer.inputs is not None and module.num_groups > 1:
        each = layer.inputs.reshape(module.num_groups, -1)
        units.tie(each, each[:, :1], f"layer {layer.name!r} averages over them and what stays")
    return made


def _read(units: ChannelUnits, layer: Layer, read: Labels) -> None:
    """Note what a layer reads; where it runs again, the same weights read other channels, tied to the first."""
    if layer.inputs is None:
        layer.inputs = read
    else:
        units.tie(layer.inputs, read, f"layer {layer.name!r} runs again on what stays")


_Follow = Callable[[ChannelUnits, Layer, Tensor, Labels, Tensor], Labels]
_FOLLOWED: tuple[tuple[tuple[type[nn.Module], ...], _Follow], ...] = (
    ((*CONVOLUTIONS, *TRANSPOSED), _convolution),
    ((nn.Linear,), _linear),
    ((*BATCH_NORMS, *INSTANCE_NORMS), _each_channel),
    ((nn.PReLU,), _prelu),
    ((nn.GroupNorm,), _group_norm),
)
