"""What goes into a network: raw uint8 images, and the one affine map that makes them numbers."""

from typing import NamedTuple

from pydantic import Field

from automl.core.value import Value


class ImageShape(NamedTuple):
    """Channels, height and width of an image."""

    channels: int
    height: int
    width: int


class Normalization(Value):
    """Pixel ``p`` (0 to 255) becomes ``(p - zero_point) * scale``, the same for every channel.

    This is the arithmetic of a uint8 tensor in a quantized graph. So a raw image *is* the quantized
    input of a network: a deployed file takes pixels as they come, and int8 kernels lose nothing at its door.
    """

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=0, le=255)

    @classmethod
    def from_statistics(cls, mean: float, std: float) -> "Normalization":
        """Give zero mean and unit variance to pixels with this mean and standard deviation (0 to 255)."""
        return cls(scale=1.0 / max(std, 1e-3), zero_point=round(min(max(mean, 0.0), 255.0)))
