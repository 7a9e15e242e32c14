"""Makes sure that a network takes the images of the study and gives a logit for each of its classes."""

import torch
from torch import nn

from automl.core.stage import Stage
from automl.errors import InfeasibleError
from automl.technique import StageContext, Technique


def check_logits(model: nn.Module, technique: Technique, context: StageContext) -> None:
    """Run a network on two images.

    Args:
        model: Is left in evaluation mode.
        technique: What gave the network, named in the error.
        context: Of the study.

    Raises:
        InfeasibleError: If the logits have another shape than (images, classes), or an architecture cannot take
            images of this shape at all.
    """
    images, named = context.calibration[:2], f"{technique.stage} {technique.name!r}"
    try:
        with torch.no_grad():
            shape = tuple(model.eval()(images).shape)
    except RuntimeError as error:  # how torch says that shapes do not meet
        if technique.stage is not Stage.ARCHITECTURE:
            raise
        size, reason = " x ".join(map(str, context.image_shape)), str(error).strip().partition("\n")[0]
        raise InfeasibleError(
            f"{named} cannot take images of {size} (channels, height, width): {reason}; "
            "choose one with fewer stages or for as many channels, or larger images"
        ) from error
    expected = (len(images), context.classes)
    if shape != expected:
        raise InfeasibleError(
            f"after {named} the logits of two images have the shape {shape}, not {expected}; "
            f"choose another {technique.stage}, or one that fits the data"
        )
