"""A per-layer quantity described by a few numbers: a level, a slope over depth, and local offsets."""

from pydantic import Field

from automl.core.value import Value


class Profile(Value):
    """A curve over the depth of a network.

    Independent draws a layer average out over a deep network, so a search moves the whole curve
    (``level``), tilts it (``slope``), and departs from it only where ``offsets`` are not 0. With a level
    of 0, and as many ``offsets`` as layers, each layer has a number of its own.

    Attributes:
        level: Value in the middle of the network.
        slope: Added at the last layer and taken away at the first, linear in between.
        offsets: Additions to equal sections of the network, from first to last.
        low: No layer goes below this.
        high: No layer goes above this.
    """

    level: float
    slope: float = 0.0
    offsets: tuple[float, ...] = ()
    low: float = Field(default=0.0)
    high: float = Field(default=1.0)

    def values(self, count: int) -> list[float]:
        """Sample the curve at ``count`` layers.

        >>> Profile(level=0.5, slope=0.2, offsets=(0.0, 0.1)).values(3)
        [0.3, 0.5, 0.8]

        Args:
            count: Number of layers, first to last.

        Returns:
            One value a layer, within ``low`` and ``high``.
        """
        return [self._value(index, count) for index in range(count)]

    def whole_values(self, count: int) -> list[int]:
        """Sample the curve at ``count`` layers and round to the nearest whole number, halves up."""
        return [int(value + 0.5) for value in self.values(count)]

    def _value(self, index: int, count: int) -> float:
        depth = 2 * index / (count - 1) - 1 if count > 1 else 0.0
        value = self.level + self.slope * depth
        if self.offsets:
            value += self.offsets[index * len(self.offsets) // count]
        return round(min(max(value, self.low), self.high), 6)
