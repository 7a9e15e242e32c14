"""The LiteRT network while it is built: which tensor stands for which, in codes or real, in which order of axes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from automl.errors import ConversionError
from automl_plugins.runtimes.litert.flatbuffer import ElementType, FlatbufferWriter, Options, Scale
from automl_plugins.runtimes.litert.source import Ending, Source
from automl_plugins.runtimes.litert.versions import operator_version

_CHANNELS_LAST = (0, 2, 3, 1)
_CHANNELS_FIRST = (0, 3, 1, 2)


@dataclass(frozen=True)
class Value:
    """A tensor.

    Attributes:
        index: In the file.
        shape: As it is stored.
        element: Of what it consists.
        scale: What its codes stand for; None where it is real.
        is_channels_last: Whether it has the order (image, row, column, channel) where ONNX has (n, C, H, W).
    """

    index: int
    shape: tuple[int, ...]
    element: ElementType
    scale: Scale | None = None
    is_channels_last: bool = False


class Network:
    """Adds operators, and what must stand between them: each conversion of a tensor once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._writer = FlatbufferWriter()
        self._values: dict[str, Value] = {}
        self._absorbed: set[str] = set()
        self._converted: dict[tuple[str, Value, Scale | None], Value] = {}
        self._count = 0

    def value(self, name: str) -> Value:
        """Give what stands for a tensor of the ONNX file."""
        if name not in self._values:
            self._values[name] = self.constant(self.source.constant(name))
        return self._values[name]

    def bind(self, name: str, value: Value) -> None:
        """Let a value stand for a tensor of the ONNX file."""
        self._values[name] = value

    def bind_ending(self, ending: Ending, value: Value) -> None:
        """Let a value stand for what comes after an activation, and nothing for what came before it."""
        self._values[ending.output] = value
        self._absorbed.update(ending.absorbed)

    def is_done(self, name: str) -> bool:
        """Say whether a tensor of the ONNX file is there, or no longer needed."""
        return name in self._values or name in self._absorbed

    def tensor(
        self,
        shape: tuple[int, ...],
        element: ElementType,
        *,
        scale: Scale | None = None,
        is_channels_last: bool = False,
        name: str | None = None,
    ) -> Value:
        """Add a tensor that an operator is to compute, or that comes from outside."""
        index = self._writer.tensor(self._name(name), shape, element, scale=scale)
        return Value(index, shape, element, scale, is_channels_last)

    def constant(
        self, array: NDArray[np.generic], element: ElementType = ElementType.FLOAT32, scale: Scale | None = None
    ) -> Value:
        """Add a constant."""
        content = array.astype(_ARRAY_TYPES[element]).tobytes()
        index = self._writer.tensor(self._name(None), array.shape, element, scale=scale, content=content)
        return Value(index, array.shape, element, scale)

    def constant_channels_last(self, array: NDArray[np.float32]) -> Value:
        """Add a constant that broadcasts over images, channels last."""
        images = array.reshape(*[1] * (4 - array.ndim), *array.shape)
        return replace(self.constant(images.transpose(_CHANNELS_LAST)), is_channels_last=True)

    def add(
        self,
        kind: str,
        inputs: Sequence[Value],
        shape: tuple[int, ...],
        *,
        scale: Scale | None = None,
        is_channels_last: bool = False,
        options: Options | None = None,
        is_grouped: bool = False,
        is_dilated: bool = False,
    ) -> Value:
        """Add an operator.

        Args:
            kind: As the schema names it, for example ``CONV_2D``.
            inputs: Its operands, constants among them.
            shape: Of its output, as stored.
            scale: Of its output in int8; None for one in float32.
            is_channels_last: Of its output.
            options: Fields that differ from the schema's defaults.
            is_grouped: Whether it is a convolution in groups.
            is_dilated: Whether its window has gaps.
        """
        element = ElementType.FLOAT32 if scale is None else ElementType.INT8
        output = self.tensor(shape, element, scale=scale, is_channels_last=is_channels_last)
        version = operator_version(
            kind,
            [value.element for value in inputs],
            has_channel_scales=inputs[0].scale is not None and len(inputs[0].scale.scale) > 1,
            is_grouped=is_grouped,
            is_dilated=is_dilated,
        )
        indices = [value.index for value in inputs]
        self._writer.operator(kind, indices, output.index, version=version, options=options)
        return output

    def real(self, value: Value) -> Value:
        """Give a tensor in float32."""
        if value.element is ElementType.FLOAT32:
            return value
        return self._once("DEQUANTIZE", value, None, lambda: self._recoded("DEQUANTIZE", value, None))

    def codes(self, value: Value, scale: Scale) -> Value:
        """Give a tensor in int8, in codes of this scale."""
        if value.element is ElementType.INT8 and value.scale == scale:
            return value
        return self._once("QUANTIZE", value, scale, lambda: self._recoded("QUANTIZE", value, scale))

    def channels_last(self, value: Value) -> Value:
        """Give a tensor in the order of LiteRT's windows.

        Raises:
            ConversionError: If it is no image.
        """
        if value.is_channels_last:
            return value
        if len(value.shape) != 4:
            raise ConversionError(f"a window goes over a tensor of the shape {value.shape}; deploy model.onnx")
        return self._once("TRANSPOSE", value, None, lambda: self.transposed(value, _CHANNELS_LAST, is_last=True))

    def channels_first(self, value: Value) -> Value:
        """Give a tensor in the order of ONNX."""
        if not value.is_channels_last:
            return value
        return self._once("TRANSPOSE", value, None, lambda: self.transposed(value, _CHANNELS_FIRST, is_last=False))

    def transposed(self, value: Value, order: Sequence[int], *, is_last: bool) -> Value:
        """Give a tensor with its axes in another order, moving nothing where no two of them have an extent."""
        shape = tuple(value.shape[axis] for axis in order)
        if _moves_nothing(value.shape, order):
            return self._in_shape(value, shape, is_last=is_last)
        operands = (value, self.constant(np.array(order), ElementType.INT32))
        return self.add("TRANSPOSE", operands, shape, scale=value.scale, is_channels_last=is_last)

    def reshaped(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Give the same elements, as ONNX counts them, in another shape."""
        is_in_order = value.is_channels_last and _moves_nothing(value.shape, _CHANNELS_FIRST)
        return self._in_shape(value if is_in_order else self.channels_first(value), shape, is_last=False)

    def finish(self, *, image: tuple[str, Value], logits: tuple[str, Value]) -> bytes:
        """Give the file, with one input and one output of these names."""
        return self._writer.finish(inputs={image[0]: image[1].index}, outputs={logits[0]: logits[1].index})

    def _in_shape(self, value: Value, shape: tuple[int, ...], *, is_last: bool) -> Value:
        sides = [-1, *shape[1:]]  # for any number of images
        operands = (value, self.constant(np.array(sides), ElementType.INT32))
        options = {"newShape": sides}
        return self.add("RESHAPE", operands, shape, scale=value.scale, is_channels_last=is_last, options=options)

    def _recoded(self, kind: str, value: Value, scale: Scale | None) -> Value:
        return self.add(kind, (value,), value.shape, scale=scale, is_channels_last=value.is_channels_last)

    def _once(self, kind: str, value: Value, scale: Scale | None, make: Callable[[], Value]) -> Value:
        key = (kind, value, scale)
        if key not in self._converted:
            self._converted[key] = make()
        return self._converted[key]

    def _name(self, name: str | None) -> str:
        self._count += 1
        return name or f"t{self._count}"


def _moves_nothing(shape: tuple[int, ...], order: Sequence[int]) -> bool:
    moved = [axis for axis in order if axis == 0 or shape[axis] > 1]  # the first is of images, be there one or more
    return moved == sorted(moved)


_ARRAY_TYPES = {
    ElementType.FLOAT32: "<f4",
    ElementType.FLOAT16: "<f2",
    ElementType.INT32: "<i4",
    ElementType.INT8: "i1",
}

Translate = Callable[[onnx.NodeProto, Network], None]
"""Adds to a network what a node of an ONNX file computes."""
