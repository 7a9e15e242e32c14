"""What goes into a network: raw uint8 images, and the one affine map that makes them numbers."""

from enum import StrEnum
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

    def __str__(self) -> str:
        """Write the map.

        >>> str(Normalization(scale=1 / 255, zero_point=0)), str(Normalization(scale=0.0163, zero_point=78))
        ('pixel * 0.00392', '(pixel - 78) * 0.0163')
        """
        shifted = f"(pixel - {self.zero_point})" if self.zero_point else "pixel"
        return shifted if self.scale == 1 else f"{shifted} * {self.scale:.3g}"


class InputConvention(StrEnum):
    """Which numbers a network is given for the pixels of an image."""

    STANDARDIZED = "standardized"
    """Zero mean and unit variance over all pixels of the training images."""
    UNIT = "unit"
    """0 to 1."""
    PIXELS = "pixels"
    """0 to 255, as they are."""

    @property
    def meaning(self) -> str:
        """Say in a few words which numbers they are."""
        match self:
            case InputConvention.STANDARDIZED:
                return "mean 0 and variance 1 over the training images"
            case InputConvention.UNIT:
                return "0 to 1"
            case InputConvention.PIXELS:
                return "0 to 255"

    def normalization(self, mean: float, std: float) -> Normalization:
        """Give the map.

        Args:
            mean: Of all pixels of the training images, 0 to 255.
            std: Their standard deviation.
        """
        match self:
            case InputConvention.STANDARDIZED:
                return Normalization.from_statistics(mean, std)
            case InputConvention.UNIT:
                return Normalization(scale=1 / 255, zero_point=0)
            case InputConvention.PIXELS:
                return Normalization(scale=1.0, zero_point=0)
