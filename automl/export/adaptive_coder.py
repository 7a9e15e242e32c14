"""Codes streams of small integers in as few bits as their frequencies allow, learning the frequencies on the way.

Nothing but the coded symbols is stored: writer and reader both count what has passed, and code the next block by
these counts. Asymmetric numeral systems (Duda, Asymmetric numeral systems, 2013) do the arithmetic.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import constriction
import numpy as np
from numpy.typing import NDArray

_FIRST_BLOCK = 32
_GROWTH = 1.5
_PASSED_ON = 16  # counts a symbol with which the next stream of the same context begins
_SYMBOL = 2  # what a symbol adds to its count; counts begin at 1


class StreamShape(NamedTuple):
    """What is known of a stream before it is read.

    Attributes:
        length: Number of symbols.
        alphabet: Symbols are in ``0 … alphabet - 1``.
        context: Streams that share it share what was learnt.
        is_signed: Whether symbols are numbers in two's complement; otherwise they ascend.
    """

    length: int
    alphabet: int
    context: str
    is_signed: bool = False


Read = Callable[[StreamShape], NDArray[np.uint8]]
"""Gives the symbols of the next stream."""


class SymbolStream(NamedTuple):
    """Symbols, shape (n,), with what a reader must know of them: see ``StreamShape``."""

    symbols: NDArray[np.uint8]
    alphabet: int
    context: str
    is_signed: bool = False

    @property
    def shape(self) -> StreamShape:
        """What is known of it before it is read."""
        return StreamShape(len(self.symbols), self.alphabet, self.context, self.is_signed)


class Draft(NamedTuple):
    """Streams as a writer would code them next.

    Attributes:
        coded_bytes: What they would take.
        blocks: Their symbols, with the counts that code them.
        learnt: What they teach, by context.
    """

    coded_bytes: float
    blocks: list["_Block"]
    learnt: dict[str, NDArray[np.int64]]


class SymbolWriter:
    """Collects streams, and codes them all at once."""

    def __init__(self) -> None:
        self._learnt: dict[str, NDArray[np.int64]] = {}
        self._blocks: list[_Block] = []

    def draft(self, streams: Iterable[SymbolStream]) -> Draft:
        """Say what streams would take, were they taken next."""
        learnt: dict[str, NDArray[np.int64]] = {}
        drafted: list[_Block] = []
        for stream in streams:
            symbols, shape = stream.symbols, stream.shape
            counts = _first_counts(shape, self._learnt | learnt)
            for block in _blocks(shape.length):
                drafted.append(_Block(symbols[block].astype(np.int32), counts))
                counts = counts + _SYMBOL * np.bincount(symbols[block], minlength=shape.alphabet)
            learnt[shape.context] = _passed_on(counts)
        return Draft(_coder_of(drafted).num_valid_bits() / 8, drafted, learnt)

    def take(self, draft: Draft) -> None:
        """Take the streams of the last draft, or of one since which none was taken."""
        self._blocks += draft.blocks
        self._learnt |= draft.learnt

    def finish(self) -> bytes:
        """Give the code of all streams, little-endian words of 32 bits."""
        words: NDArray[np.uint32] = _coder_of(self._blocks).get_compressed()
        return words.astype("<u4").tobytes()


class SymbolReader:
    """Gives the streams of a code back, in the order in which they were taken."""

    def __init__(self, code: bytes) -> None:
        self._learnt: dict[str, NDArray[np.int64]] = {}
        self._coder = constriction.stream.stack.AnsCoder(np.frombuffer(code, "<u4").astype(np.uint32))

    def read(self, shape: StreamShape) -> NDArray[np.uint8]:
        """Give the symbols of the next stream."""
        counts = _first_counts(shape, self._learnt)
        symbols = np.empty(shape.length, np.uint8)
        for block in _blocks(shape.length):
            symbols[block] = self._coder.decode(_model(counts), block.stop - block.start)
            counts = counts + _SYMBOL * np.bincount(symbols[block], minlength=shape.alphabet)
        self._learnt[shape.context] = _passed_on(counts)
        return symbols


class _Block(NamedTuple):
    symbols: NDArray[np.int32]
    counts: NDArray[np.int64]


def _first_counts(shape: StreamShape, learnt: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    known = learnt.get(shape.context)
    return np.ones(shape.alphabet, np.int64) if known is None else known


def _passed_on(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pass on what a stream taught, weakly, since the next one differs."""
    passed: NDArray[np.int64] = np.maximum(counts * (_PASSED_ON * len(counts)) // counts.sum(), 1)
    return passed


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
