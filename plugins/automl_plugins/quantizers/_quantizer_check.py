"""Finds out on an untrained network whether all that a quantizer puts on grids can be on one."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from automl.errors import InfeasibleError
from automl.technique import Profile
from automl_plugins.quantizers._quantized_tensors import activation_grids, layer_bits

_LAYER_FUNCTIONS = {torch.conv2d, functional.conv2d, functional.linear}


def check_quantizable(model: nn.Module, images: Tensor) -> None:
    """Run a network once and look at what would be quantized.

    Args:
        model: With or without batch normalisation.
        images: A batch (N, C, H, W).

    Raises:
        InfeasibleError: If there is no weight to quantize, a layer computes its weight at each call, a module gives
            something else than one tensor, or a linear layer runs over more than a vector an image, for which the
            runtime has no int8 kernel with a bias.
    """
    layers = layer_bits(model, Profile(level=8, high=8))
    if not layers:
        raise InfeasibleError(
            "the network has neither a convolution nor a linear layer, so no weights to quantize; "
            "leave the quantizer out"
        )
    names = {*layers, *(grid["op_names"][0] for grid in activation_grids(model))}
    handles = [model.get_submodule(name).register_forward_hook(partial(_check_call, name)) for name in names]
    try:
        with torch.no_grad():
            model.eval()(images)
    finally:
        for handle in handles:
            handle.remove()


class _Arguments(TorchFunctionMode):
    """Keeps the tensors that functions of torch are called with while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def __torch_function__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # torch's signature
        """Note the arguments, and call."""
        if func in _LAYER_FUNCTIONS:
            self.seen.extend((*args, *(kwargs or {}).values()))
        return func(*args, **(kwargs or {}))


def _uses_its_weight(module: nn.Module, inputs: tuple[Any, ...]) -> bool:
    """Say whether a layer multiplies with its weight as it stands, and not with one that it computes from it."""
    if parametrize.is_parametrized(module, "weight"):
        return False
    if type(module) in {nn.Conv2d, nn.Linear}:
        return True
    with _Arguments() as arguments:
        module.forward(*inputs)  # not a call of the module: that would run the hook again
    return any(argument is module.weight for argument in arguments.seen)


def _check_call(name: str, module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
    kind = type(module).__name__
    if not isinstance(output, Tensor):
        raise InfeasibleError(
            f"module {name!r} ({kind}) gives a {type(output).__name__}, not one tensor that could be quantized; "
            "leave the quantizer out for this architecture"
        )
    if isinstance(module, nn.Conv2d | nn.Linear) and not _uses_its_weight(module, inputs):
        raise InfeasibleError(
            f"layer {name!r} ({kind}) computes its weight anew at each call, so that a grid for what it stores is none "
            "for what it multiplies with; use nn.Conv2d or nn.Linear there, or leave the quantizer out for this "
            "architecture"
        )
    if isinstance(module, nn.Linear) and inputs[0].dim() != 2:
        raise InfeasibleError(
            f"linear layer {name!r} runs over {inputs[0].dim() - 1} dimensions an image, where quantized weights are "
            "for vectors; flatten its input, or leave the quantizer out for this architecture"
        )


def check_no_loose_parameters(model: nn.Module, quantizer: str) -> None:
    """Refuse a network that holds a parameter beside its modules: NNI's learned grids look for those of modules alone.

    Raises:
        InfeasibleError: Naming the parameter.
    """
    loose = [name for name, _ in model.named_parameters(recurse=False)]
    if loose:
        raise InfeasibleError(
            f"the network itself holds the parameter {loose[0]!r}, which {quantizer} cannot train beside its grids; "
            "put it into a module of its own, or choose qat or ptq"
        )
