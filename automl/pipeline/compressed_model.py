"""What stages hand on: a network, how it is quantized, and how wide it was to become."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from automl.core.fidelity import Transition
from automl.core.quantization import Quantization
from automl.core.width import AskedWidth, LayerWidth


@dataclass(frozen=True)
class CompressedModel:
    """A network at the end of its stages, or of the stages so far.

    Attributes:
        model: In evaluation mode. At the end on the CPU, batch normalisation folded, weights on their grid if
            quantized.
        quantization: None where the network stays, or is still, in float.
        asked: Of the layers that a pruner was to take channels from; empty without such a pruner.
        gaps: Of each rewrite so far.
        notes: What the stages so far warned of.
    """

    model: nn.Module
    quantization: Quantization | None = None
    asked: tuple[AskedWidth, ...] = ()
    gaps: Mapping[Transition, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def widths(self) -> tuple[LayerWidth, ...]:
        """Count the channels that each of these layers has now."""
        return tuple(
            LayerWidth(layer=each.layer, before=each.before, asked=each.asked, kept=channels(self.model, each.layer))
            for each in self.asked
        )


def channels(model: nn.Module, layer: str) -> int | None:
    """Count the output channels of a layer; None where the network has no layer of this name with a weight."""
    weight = getattr(dict(model.named_modules()).get(layer), "weight", None)
    return len(weight) if isinstance(weight, Tensor) else None
