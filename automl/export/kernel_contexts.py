"""Codes each weight of a kernel given the ones to its left and above, since trained kernels are smooth."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl.export.adaptive_coder import Read, StreamShape, SymbolStream

_FURTHEST = 3  # classes of neighbours, on either side of zero


class Kernel(NamedTuple):
    """Weights that lie side by side, row after row."""

    height: int
    width: int

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.height * self.width


def split(stream: SymbolStream, kernel: Kernel) -> Iterator[SymbolStream]:
    """Give the symbols place by place of the kernel, those with like neighbours together."""
    kernels = _kernels(stream.symbols, kernel)
    values = _values(kernels, stream.shape)
    for place in range(kernel.size):
        for context, members in _members(values, place, kernel, stream.shape):
            yield SymbolStream(kernels[members, place], stream.alphabet, context)
    yield SymbolStream(stream.symbols[kernels.size :], stream.alphabet, stream.context)


def join(shape: StreamShape, kernel: Kernel, read: Read) -> NDArray[np.uint8]:
    """Give the symbols back in their order."""
    symbols = np.empty(shape.length, np.uint8)
    kernels = _kernels(symbols, kernel)
    values = np.zeros(kernels.shape, np.int64)
    for place in range(kernel.size):
        for context, members in _members(values, place, kernel, shape):
            kernels[members, place] = read(StreamShape(len(members), shape.alphabet, context))
        values[:, place] = _values(kernels[:, place], shape)
    symbols[kernels.size :] = read(StreamShape(shape.length - kernels.size, shape.alphabet, shape.context))
    return symbols


def _kernels(symbols: NDArray[np.uint8], kernel: Kernel) -> NDArray[np.uint8]:
    """View the symbols as kernels, shape (n, size), without those that fill the last byte of a file."""
    count = len(symbols) // kernel.size
    return symbols[: count * kernel.size].reshape(count, kernel.size)


def _values(symbols: NDArray[np.uint8], shape: StreamShape) -> NDArray[np.int64]:
    """Give numbers around zero: codes are in two's complement, indices ascend."""
    half = shape.alphabet // 2
    wide = symbols.astype(np.int64)
    return (wide + half) % shape.alphabet - half if shape.is_signed else wide - half


def _members(
    values: NDArray[np.int64], place: int, kernel: Kernel, shape: StreamShape
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Group the kernels by the mean of two neighbours of a place, nothing being zero."""
    left = values[:, place - 1] if place % kernel.width else 0
    above = values[:, place - kernel.width] if place >= kernel.width else 0
    both = np.broadcast_to(left + above, len(values))
    classes = (4 * _FURTHEST * both + shape.alphabet) // (2 * shape.alphabet)
    for number in range(-_FURTHEST, _FURTHEST + 1):
        members = np.flatnonzero(classes.clip(-_FURTHEST, _FURTHEST) == number)
        if len(members):
            yield f"{shape.context}, near {number}", members
