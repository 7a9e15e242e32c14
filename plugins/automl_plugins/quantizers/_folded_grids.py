"""Folds batch normalisation into weights that are on grids already: its factor moves into the scales."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from automl.network.folding import fold_batch_norm
from automl.network.grids import put_on_grid
from automl.technique import Quantization, QuantizedModel, WeightQuantization

_BATCH = 256
SMALLEST_SCALE = torch.finfo(torch.float32).eps


def remeasure_batch_norm(model: nn.Module, images: Tensor) -> None:
    """Let the running statistics of normalisations be those of images (N, C, H, W) under the weights as they are."""
    batches = torch.tensor_split(images, math.ceil(len(images) / _BATCH))  # of one size: none is a single image
    with torch.no_grad():
        update_bn(batches, model)


def fold_signs(model: nn.Module, layers: Iterable[str], images: Tensor) -> dict[str, Tensor]:
    """Say which channels change their sign when batch normalisation is folded.

    Args:
        model: With batch normalisation in place; it is left as it is.
        layers: Names of convolutions and linear layers.
        images: As ``fold_batch_norm`` takes them.

    Returns:
        By layer, -1 or 1, shape (channels, 1, …).
    """
    folded = fold_batch_norm(model, images)
    weights = {name: model.get_submodule(name).get_parameter("weight") for name in layers}
    return {
        name: torch.where(_factors(weight, folded.get_submodule(name)) < 0, -1.0, 1.0).reshape(
            -1, *[1] * (weight.dim() - 1)
        )
        for name, weight in weights.items()
    }


def fold_on_grids(model: nn.Module, weights: Mapping[str, WeightQuantization], images: Tensor) -> QuantizedModel:
    """Fold batch normalisation, multiply the scale of each channel by its factor, and keep the codes.

    A channel whose factor is negative changes the signs of its codes, so its levels should be symmetric, or the
    weight have been put on its grid with the signs of ``fold_signs``.

    Args:
        model: The weights of the layers in ``weights`` lie on their grids; it is left as it is.
        weights: By layer.
        images: As ``fold_batch_norm`` takes them.

    Returns:
        A copy of the model, and the new grids of these weights.
    """
    folded = fold_batch_norm(model, images)
    grids = {}
    for name, grid in weights.items():
        factor = _factors(model.get_submodule(name).get_parameter("weight"), folded.get_submodule(name)).abs()
        scale = (torch.tensor(grid.scale, device=factor.device) * factor).clamp_min(SMALLEST_SCALE)
        grids[name] = replace(grid, scale=tuple(scale.tolist()))
        put_on_grid(folded.get_submodule(name).get_parameter("weight"), grids[name])
    return QuantizedModel(folded, Quantization(weights=grids))


def _factors(weight: Tensor, folded: nn.Module) -> Tensor:
    """Give what folding multiplied each channel by; 1 where the channel is zero."""
    before, after = weight.detach().flatten(1), folded.get_parameter("weight").detach().flatten(1)
    largest = before.abs().argmax(dim=1, keepdim=True)
    return (after.gather(1, largest) / before.gather(1, largest)).squeeze(1).nan_to_num(nan=1.0)
