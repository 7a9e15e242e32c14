"""How many channels a layer had, was asked to keep, and has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AskedWidth:
    """What a pruner was asked to leave of a layer.

    Attributes:
        layer: Name of the module.
        before: Its output channels before pruning.
        asked: What the sparsity leaves of them, before any rounding.
    """

    layer: str
    before: int
    asked: float


@dataclass(frozen=True)
class LayerWidth(AskedWidth):
    """What became of a layer that channels were asked of.

    Attributes:
        kept: Its output channels in the network that is exported; None where that has no such layer.
    """

    kept: int | None
