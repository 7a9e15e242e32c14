"""Codes streams of small integers in as few bits as their frequencies allow, learning the frequencies on the way.

Nothing but the coded symbols is stored: writer and reader both count what has passed, and code the next block by
these counts. Asymmetric numeral systems (Duda, Asymmetric numeral systems, 2013) do the arithmetic.
"""

from collections.abc import Iterator
from typing import NamedTuple

import constriction
import numpy as np
from numpy.typing import NDArray

_FIRST_BLOCK = 32
_GROWTH = 1.5
_PASSED_ON = 4  # counts a symbol with which the next stream of the same context begins
_SYMBOL = 2  # what a symbol adds to its count; counts begin at 1


class StreamShape(NamedTuple):
    """What is known of a stream before it is read.

    Attributes:
        length: Number of symbols.
        alphabet: Symbols are in ``0 … alphabet - 1``.
        context: Streams that share it share what was learnt.
    """

    length: int
    alphabet: int
    context: str


class SymbolStream(NamedTuple):
    """Symbols, shape (n,), with what a reader must know of them."""

    symbols: NDArray[np.uint8]
    alphabet: int
    context: str

    @property
    def shape(self) -> StreamShape:
        """What is known of it before it is read."""
        return StreamShape(len(self.symbols), self.alphabet, self.context)


class SymbolWriter:
    """Collects streams, and codes them all at once."""

    def __init__(self) -> None:
        self._frequencies = _Frequencies()
        self._blocks: list[_Block] = []

    def add(self, stream: SymbolStream, *, below_bytes: float) -> bool:
        """Take a stream if its code is shorter than ``below_bytes``, and say whether it was taken."""
        symbols, shape = stream.symbols, stream.shape
        counts = self._frequencies.begin(shape)
        blocks: list[_Block] = []
        for block in _blocks(shape.length):
            blocks.append(_Block(symbols[block].astype(np.int32), counts))
            counts = counts + _SYMBOL * np.bincount(symbols[block], minlength=shape.alphabet)
        if _coder_of(blocks).num_valid_bits() >= 8 * below_bytes:
            return False
        self._frequencies.end(shape, counts)
        self._blocks += blocks
        return True

    def finish(self) -> bytes:
        """Give the code of all streams, little-endian words of 32 bits."""
        words: NDArray[np.uint32] = _coder_of(self._blocks).get_compressed()
        return words.astype("<u4").tobytes()


class SymbolReader:
    """Gives the streams of a code back, in the order in which they were taken."""

    def __init__(self, code: bytes) -> None:
        self._frequencies = _Frequencies()
        self._coder = constriction.stream.stack.AnsCoder(np.frombuffer(code, "<u4").astype(np.uint32))

    def read(self, shape: StreamShape) -> NDArray[np.uint8]:
        """Give the symbols of the next stream."""
        counts = self._frequencies.begin(shape)
        symbols = np.empty(shape.length, np.uint8)
        for block in _blocks(shape.length):
            symbols[block] = self._coder.decode(_model(counts), block.stop - block.start)
            counts = counts + _SYMBOL * np.bincount(symbols[block], minlength=shape.alphabet)
        self._frequencies.end(shape, counts)
        return symbols


class _Block(NamedTuple):
    symbols: NDArray[np.int32]
    counts: NDArray[np.int64]


class _Frequencies:
    def __init__(self) -> None:
        self._counts: dict[str, NDArray[np.int64]] = {}

    def begin(self, shape: StreamShape) -> NDArray[np.int64]:
        known = self._counts.get(shape.context)
        return np.ones(shape.alphabet, np.int64) if known is None else known

    def end(self, shape: StreamShape, counts: NDArray[np.int64]) -> None:
        """Pass on what a stream taught, weakly, since the next one differs."""
        passed = counts * (_PASSED_ON * shape.alphabet) // counts.sum()
        self._counts[shape.context] = np.maximum(passed, 1)


def _blocks(length: int) -> Iterator[slice]:
    """Give blocks that grow: counts change fast at first, and hardly at all later."""
    start, size = 0, _FIRST_BLOCK
    while start < length:
        yield slice(start, min(start + size, length))
        start += size
        size = int(size * _GROWTH)


def _coder_of(blocks: list[_Block]) -> "constriction.stream.stack.AnsCoder":
    coder = constriction.stream.stack.AnsCoder()
    for block in reversed(blocks):  # the coder is a stack: what goes in last comes out first
        coder.encode_reverse(block.symbols, _model(block.counts))
    return coder


def _model(counts: NDArray[np.int64]) -> "constriction.stream.model.Categorical":
    # The library's "perfect" model takes logarithms, which platforms round differently; this one does not.
    return constriction.stream.model.Categorical(counts.astype(np.float64), perfect=False)
