"""Names the layers of a network in the order in which they run, which is their order in the file."""

import torch
from torch import Tensor, nn

_LAYERS = (nn.Conv2d, nn.Linear)


def layers_in_order(model: nn.Module, images: Tensor) -> dict[str, nn.Conv2d | nn.Linear]:
    """Run a network and note its convolutions and linear layers as they are called, each once.

    Args:
        model: Left as it is.
        images: A batch (N, C, H, W).
    """
    found: dict[str, nn.Conv2d | nn.Linear] = {}
    names = {module: name for name, module in model.named_modules()}

    def note(module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
        if isinstance(module, _LAYERS):
            found.setdefault(names[module], module)

    handles = [module.register_forward_pre_hook(note) for module in names if isinstance(module, _LAYERS)]
    try:
        with torch.no_grad():
            model.eval()(images)
    finally:
        for handle in handles:
            handle.remove()
    return found
