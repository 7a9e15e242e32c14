"""Makes sure that a network can be exported before it is trained."""

from collections.abc import Hashable

from torch import nn

from automl.core.image import ImageShape
from automl.core.recipe import StageRecipe
from automl.errors import InfeasibleError
from automl.export.torch_graph import torch_graph
from automl.network.skeleton import skeleton

_RAISED_BY_THE_EXPORTER = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What comes out of the exporter, and of a forward pass that it runs; the network is known to answer images."""

_KEPT_REASONS = 256

_reasons: dict[Hashable, str | None] = {}


def check_export(model: nn.Module, architecture: StageRecipe, image_shape: ImageShape) -> None:
    """Export an untrained network in float, once a process for all that differ in widths and weights alone.

    Args:
        model: As built; it is left as it is.
        architecture: What built it, named in the error.
        image_shape: Shape of one image.

    Raises:
        InfeasibleError: If torch cannot export it, with torch's reason.
    """
    key = (skeleton(model) or architecture.model_dump_json(), image_shape)
    if key not in _reasons:
        if len(_reasons) >= _KEPT_REASONS:
            _reasons.clear()
        _reasons[key] = _refusal(model, image_shape)
    reason = _reasons[key]
    if reason is not None:
        raise InfeasibleError(
            f"architecture {architecture.technique!r} builds a network that torch cannot export to ONNX: {reason}; "
            "build it of operators that ONNX has, or choose another architecture"
        )


def _refusal(model: nn.Module, image_shape: ImageShape) -> str | None:
    try:
        torch_graph(model, image_shape)
    except _RAISED_BY_THE_EXPORTER as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        return f"{type(error).__name__}: {reason}"
    return None
