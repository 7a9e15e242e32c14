"""Makes an untrained network a fair test of a rewrite: as it is built, half of its numbers are zeros and ones."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

_REACH = 0.3
"""Numbers that are all alike move by up to so much: far enough to be seen, too little to turn a network upside down."""


def stirred(model: nn.Module, images: Tensor) -> nn.Module:
    """Copy a network, with statistics in its normalisations and no vector of equal numbers, as if it had been trained.

    A factor of one and an offset of zero hide the layer that loses or misplaces them. What has been trained stays.

    Args:
        model: As built; it is left as it is.
        images: Normalised, shape (N, C, H, W), N at least 2, on the device of the model.

    Returns:
        A copy in evaluation mode, the same at every call.
    """
    copied = copy.deepcopy(model)
    norms = [module for module in copied.modules() if isinstance(module, _BatchNorm) and _is_new(module)]
    momenta = [norm.momentum for norm in norms]
    copied.eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        copied(images)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for parameter in copied.parameters():
            if parameter.numel() > 1 and bool((parameter == parameter.flatten()[0]).all()):
                noise = torch.rand(parameter.shape, generator=generator).to(parameter)
                parameter.add_((2 * noise - 1) * _REACH)
    return copied.eval()


def _is_new(norm: _BatchNorm) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return mean is not None and variance is not None and not bool(mean.any()) and bool((variance == 1).all())
