"""Gives a network the widths that pruning would leave it, without choosing which channels go."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.node import Argument, Target


class UnknownResizingError(Exception):
    """A layer whose width follows from others in a way that is not known here."""


def resize_channels(model: nn.Module, graph: fx.Graph, kept: Mapping[str, int], images: Tensor) -> None:
    """Cut layers to so many output channels, and all that depends on them, in place.

    The network is run once, layer by layer, each fitted to the channels that reach it.

    Args:
        model: The network.
        graph: Its graph, down to the modules of torch.
        kept: Output channels by the name of a convolution; the other ones keep theirs, and a depthwise one has as
            many as reach it.
        images: A batch (N, C, H, W) to run shapes with.

    Raises:
        UnknownResizingError: If there are grouped convolutions, or layers that cannot be fitted; the model is spoilt.
    """
    fitter = _WidthFitter(model, graph, kept)
    try:
        fitter.run(images)
    except (RuntimeError, ValueError) as error:  # how torch says that shapes do not meet
        raise UnknownResizingError(str(error)) from error


class _WidthFitter(fx.Interpreter):
    """Runs a traced network, and fits each layer to its input before it runs."""

    def __init__(self, model: nn.Module, graph: fx.Graph, kept: Mapping[str, int]) -> None:
        super().__init__(model, graph=graph)
        self.extra_traceback = False
        self._kept = kept

    def call_module(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        layer = self.module.get_submodule(str(target))
        channels = args[0].shape[1] if args and isinstance(args[0], Tensor) and args[0].dim() > 1 else 0
        match layer:
            case nn.Conv2d():
                _fit_convolution(layer, channels, self._kept.get(str(target), layer.out_channels))
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                _fit_norm(layer, channels)
            case nn.Linear() if channels < layer.in_features:
                layer.in_features = channels
                _cut(layer, "weight", inputs=channels)
        return super().call_module(target, args, kwargs)


def _fit_convolution(layer: nn.Conv2d, inputs: int, outputs: int) -> None:
    if layer.groups not in {1, layer.in_channels}:
        raise UnknownResizingError(f"a convolution has {layer.groups} groups")
    if layer.groups > 1:
        outputs, layer.groups = inputs * (layer.out_channels // layer.in_channels), inputs
    layer.in_channels, layer.out_channels = inputs, outputs
    _cut(layer, "weight", outputs=outputs, inputs=inputs // layer.groups)
    _cut(layer, "bias", outputs=outputs)


def _fit_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, channels: int) -> None:
    layer.num_features = channels
    for name in ("weight", "bias", "running_mean", "running_var"):
        _cut(layer, name, outputs=channels)


def _cut(layer: nn.Module, name: str, *, outputs: int | None = None, inputs: int | None = None) -> None:
    tensor = getattr(layer, name)
    if tensor is not None:
        tensor.data = (tensor.data[:outputs] if inputs is None else tensor.data[:outputs, :inputs]).clone()
