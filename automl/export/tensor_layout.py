"""Takes the stored bytes of a tensor apart into streams in which like meets like, and puts them together again.

Codes of few bits become one symbol a weight, numbers of several bytes one stream a byte, exponents apart from
mantissas; where many numbers are zero, a stream of its own says which.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx
from onnx import TensorProto

from automl.export.adaptive_coder import Read, StreamShape, SymbolStream

_FIELDS: dict[int, tuple[int, bool]] = {
    TensorProto.INT2: (2, True),
    TensorProto.UINT2: (2, False),
    TensorProto.INT4: (4, True),
    TensorProto.UINT4: (4, False),
    TensorProto.INT8: (8, True),
}
_WORD_BYTES: dict[int, int] = {
    TensorProto.FLOAT16: 2,
    TensorProto.BFLOAT16: 2,
    TensorProto.FLOAT: 4,
    TensorProto.INT32: 4,
}
_MOST_PLANES = 7
_MANY_ZEROS = 0.05


class TensorLayout(Protocol):
    """How the bytes of a tensor hold its values."""

    @property
    def streams(self) -> int:
        """How many streams ``split`` gives."""
        ...

    def split(self, raw: bytes) -> list[SymbolStream]:
        """Give the streams of these bytes."""
        ...

    def join(self, size: int, read: Read) -> bytes:
        """Give the ``size`` bytes back whose streams ``read`` gives, in the order of ``split``."""
        ...


@dataclass(frozen=True)
class Fields:
    """Each byte holds ``8 // bits`` codes, the first one lowest."""

    bits: int
    is_signed: bool = True

    @property
    def streams(self) -> int:
        """One, of codes."""
        return 1

    def split(self, raw: bytes) -> list[SymbolStream]:
        """Give one stream of codes."""
        packed = np.frombuffer(raw, np.uint8)
        shifts = range(0, 8, self.bits)
        codes = np.stack([packed >> shift & (2**self.bits - 1) for shift in shifts], axis=1)
        return [SymbolStream(codes.reshape(-1), *self._shape(0)[1:])]

    def join(self, size: int, read: Read) -> bytes:
        """Pack the codes again."""
        per_byte = 8 // self.bits
        codes = read(self._shape(size * per_byte)).reshape(size, per_byte)
        shifts = np.arange(0, 8, self.bits, dtype=np.uint8)
        return bytes(np.bitwise_or.reduce(codes << shifts, axis=1, dtype=np.uint8).tobytes())

    def _shape(self, length: int) -> StreamShape:
        sign = "signed" if self.is_signed else "unsigned"
        return StreamShape(length, 2**self.bits, f"{sign} {self.bits}", self.is_signed)


@dataclass(frozen=True)
class Planes:
    """Byte ``g`` of plane ``i`` holds bit ``i`` of the codes ``8 * g … 8 * g + 7``, the first one lowest."""

    planes: int

    @property
    def streams(self) -> int:
        """One, of codes."""
        return 1

    def split(self, raw: bytes) -> list[SymbolStream]:
        """Give one stream of codes."""
        bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(self.planes, -1), axis=1, bitorder="little")
        values = np.array([1 << plane for plane in range(self.planes)], np.uint8)
        return [SymbolStream(values @ bits, *self._shape(0)[1:])]

    def join(self, size: int, read: Read) -> bytes:
        """Take the codes apart into planes again."""
        codes = read(self._shape(8 * size // self.planes))
        planes = [np.packbits(codes >> plane & 1, bitorder="little") for plane in range(self.planes)]
        return np.concatenate(planes).tobytes()

    def _shape(self, length: int) -> StreamShape:
        return StreamShape(length, 2**self.planes, f"signed {self.planes}", is_signed=True)


@dataclass(frozen=True)
class Words:
    """Little-endian numbers of 2 or 4 bytes, in most of which a sign stands before an exponent.

    Attributes:
        width: Bytes of a number.
        is_sparse: Whether a stream says which numbers are zero, and the others hold the rest alone.
    """

    width: int
    is_sparse: bool = False

    @property
    def streams(self) -> int:
        """One a byte, and one for the zeros."""
        return self.width + self.is_sparse

    def split(self, raw: bytes) -> list[SymbolStream]:
        """Give one stream a byte, from the exponents down; before them the zeros where there are many."""
        words = np.frombuffer(raw, f"<u{self.width}")
        streams = []
        if self.is_sparse:
            is_kept = words != 0
            words = words[is_kept]
            streams.append(SymbolStream(is_kept.view(np.uint8), 2, f"zeros {self.width}"))
        turned = words << 1 | words >> (8 * self.width - 1)  # the sign goes last, so that the exponent fills a byte
        columns = turned.astype(f">u{self.width}").view(np.uint8).reshape(-1, self.width)
        streams += [
            SymbolStream(np.ascontiguousarray(columns[:, byte]), 256, self._context(byte)) for byte in range(self.width)
        ]
        return streams

    def join(self, size: int, read: Read) -> bytes:
        """Put the bytes of each number together again."""
        count = size // self.width
        is_kept = np.ones(count, bool)
        if self.is_sparse:
            is_kept = read(StreamShape(count, 2, f"zeros {self.width}")).astype(bool)
        kept = int(is_kept.sum())
        columns = np.stack([read(StreamShape(kept, 256, self._context(byte))) for byte in range(self.width)], axis=1)
        turned = np.ascontiguousarray(columns).view(f">u{self.width}").reshape(-1).astype(f"<u{self.width}")
        words = np.zeros(count, f"<u{self.width}")
        words[is_kept] = turned >> 1 | turned << (8 * self.width - 1)
        return words.tobytes()

    def _context(self, byte: int) -> str:
        return f"byte {byte} of {self.width}"


LAYOUTS: tuple[TensorLayout, ...] = (
    *(Fields(bits, is_signed=is_signed) for bits in (8, 4, 2) for is_signed in (True, False)),
    Words(4),
    Words(4, is_sparse=True),
    Words(2),
    Words(2, is_sparse=True),
    *(Planes(count) for count in range(1, _MOST_PLANES + 1)),
)
"""A packed file names a layout by its place here, so places never change; new layouts go to the end."""


def layout_of(tensor: onnx.TensorProto) -> TensorLayout:
    """Choose the layout of a tensor that has ``raw_data``."""
    if tensor.data_type in _WORD_BYTES:
        words = np.frombuffer(tensor.raw_data, f"<u{_WORD_BYTES[tensor.data_type]}")
        return Words(words.itemsize, is_sparse=bool(np.count_nonzero(words) < (1 - _MANY_ZEROS) * words.size))
    if tensor.data_type == TensorProto.UINT8 and len(tensor.dims) == 3 and tensor.dims[2] == 1:
        planes = tensor.dims[0]  # the shape in which weight_codes stores planes
        return Planes(planes) if planes <= _MOST_PLANES else Fields(8, is_signed=False)
    bits, is_signed = _FIELDS.get(tensor.data_type, (8, False))
    return Fields(bits, is_signed=is_signed)
