"""What a network says."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from automl.core.image import Normalization
from automl.training.batches import normalize


def predict(
    model: nn.Module,
    images: NDArray[np.uint8],
    *,
    normalization: Normalization,
    device: torch.device,
    batch_size: int = 500,
) -> NDArray[np.float32]:
    """Run a network in float32; it moves to the device and into evaluation mode.

    Args:
        model: From (N, C, H, W), float32, to outputs (N, K).
        images: (N, C, H, W), uint8, at least one.
        normalization: Turns pixels into numbers.
        device: Where to run.
        batch_size: Images at once; changes memory and speed alone.

    Returns:
        Outputs, (N, K), float32.
    """
    model.to(device).eval()
    with torch.no_grad():
        outputs = [
            model(normalize(torch.tensor(images[start : start + batch_size], device=device), normalization)).cpu()
            for start in range(0, len(images), batch_size)
        ]
    predicted: NDArray[np.float32] = torch.cat(outputs).detach().float().numpy()  # a view of a parameter needs it
    return predicted
