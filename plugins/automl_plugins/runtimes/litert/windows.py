"""Says which pixels a window adds around an image, and adds those that LiteRT does not add of itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from automl.errors import ConversionError
from automl_plugins.runtimes.litert.flatbuffer import ElementType, Options, Padding
from automl_plugins.runtimes.litert.network import Network, Value

_LOWEST_CODE = -128


@dataclass(frozen=True)
class Window:
    """What slides over an image; two numbers are of rows and of columns.

    Attributes:
        kernel: Its extent in pixels of the window itself.
        strides: Steps in pixels of the image.
        dilations: Distances between its pixels.
        border: Pixels added before and after the image.
        is_same: Whether LiteRT adds these of itself: as many outputs as steps fit, the odd pixel last.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    border: tuple[tuple[int, int], tuple[int, int]]
    is_same: bool

    @classmethod
    def of(cls, node: onnx.NodeProto, kernel: Sequence[int], sides: Sequence[int], outputs: Sequence[int]) -> "Window":
        """Read a node's window.

        Args:
            node: A convolution or a pool.
            kernel: Its extent.
            sides: Height and width of the image before.
            outputs: Height and width of the image after.

        Raises:
            ConversionError: If it does not go over an image, or its border is not stated in pixels.
        """
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if len(kernel) != 2 or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise ConversionError(
                f"the network has a {node.op_type} with a window that LiteRT has not; deploy model.onnx"
            )
        strides, dilations = (_pair(attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
        before = _pair(attributes.get("pads", (0, 0, 0, 0))[:2])
        extents = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilations, strict=True)]
        reached = [(count - 1) * step + extent for count, step, extent in zip(outputs, strides, extents, strict=True)]
        after = [max(0, end - start - side) for end, start, side in zip(reached, before, sides, strict=True)]
        is_same = all(
            count == -(-side // step) and first == (first + last) // 2
            for count, side, step, first, last in zip(outputs, sides, strides, before, after, strict=True)
        )
        return cls(_pair(kernel), strides, dilations, ((before[0], after[0]), (before[1], after[1])), is_same)

    @property
    def has_border(self) -> bool:
        """Whether any pixel is added."""
        return any(sum(pixels) for pixels in self.border)

    @property
    def options(self) -> Options:
        """Steps, as the schema has them."""
        return {"strideH": self.strides[0], "strideW": self.strides[1]}


def bordered(network: Network, image: Value, window: Window, *, lowest: bool = False) -> tuple[Value, Padding]:
    """Give an image to which a window applies under the padding that stands beside it.

    Args:
        network: It gets the operator that adds a border, where LiteRT does not add the same of itself.
        image: With channels last.
        window: What is to be applied.
        lowest: Whether the border has the lowest value instead of zero.
    """
    if not window.has_border:
        return image, Padding.VALID
    if window.is_same:
        return image, Padding.SAME
    return with_border(network, image, window, lowest=lowest), Padding.VALID


def with_border(network: Network, image: Value, window: Window, *, lowest: bool = False) -> Value:
    """Give an image with a border of zeros, or of the lowest value."""
    (top, bottom), (left, right) = window.border
    _, height, width, channels = image.shape
    shape = (1, top + height + bottom, left + width + right, channels)
    pixels = network.constant(np.array([(0, 0), (top, bottom), (left, right), (0, 0)]), ElementType.INT32)
    is_zero_lowest = image.scale is not None and image.scale.zero_point == _LOWEST_CODE
    if not lowest or is_zero_lowest:
        return network.add("PAD", (image, pixels), shape, scale=image.scale, is_channels_last=True)
    value = np.array([np.finfo(np.float32).min if image.scale is None else _LOWEST_CODE])
    fill = network.constant(value, image.element, image.scale)
    return network.add("PADV2", (image, pixels, fill), shape, scale=image.scale, is_channels_last=True)


def _pair(numbers: Sequence[int]) -> tuple[int, int]:
    first, second = numbers
    return int(first), int(second)
