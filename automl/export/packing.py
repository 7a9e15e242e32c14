"""Makes the file that is shipped: a network entropy-coded, which unpacks to the very bytes that the runtime opens.

This is the last step of Deep Compression (Han et al., Deep Compression, 2016), with a better coder than Huffman's.
"""

import hashlib
import lzma
import struct
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import partial

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from automl.errors import UsageError
from automl.export.adaptive_coder import StreamShape, SymbolReader, SymbolStream, SymbolWriter
from automl.export.tensor_layout import LAYOUTS, TensorLayout, layout_of

PACKED_SUFFIX = ".packed"

_MAGIC = b"AMLP"
_VERSION = 1
_HEAD = struct.Struct("<4sBBBIIII8s")  # magic, version, LZMA (2), bytes of the three sections, CRC of them, digest
_LZMA_SETTINGS = ((3, 2), (3, 0), (0, 0))  # bits of the literal's context, bits of the position
_LZMA_DICTIONARY_BITS = range(12, 27)
_LEAST_TENSOR_BYTES = 16
_SAMPLE_BYTES = 1 << 13
_SMALL_FILE_BYTES = 1 << 16


class _Section(IntEnum):
    """Where a stream stands: the numbers are stored."""

    CODE = 0  # by the frequencies of its symbols
    TEXT = 1  # with the rest of the ONNX file and the table of what was taken out of it, in LZMA
    PLAIN = 2  # as it is, where nothing makes it shorter


def pack(model: bytes) -> bytes:
    """Compress an ONNX file.

    The result depends on nothing but the file and the versions of liblzma and constriction. It is no larger
    than LZMA makes the whole file, give or take the head; above 64 KiB, samples of the tensors decide that.

    Args:
        model: The content of an ONNX file.

    Raises:
        UsageError: If it is no ONNX file.
    """
    try:
        tensors = onnx.load_from_string(model).graph.initializer
    except DecodeError as error:
        raise UsageError("what is to be packed is not an ONNX file; give one that `automl export` wrote") from error
    candidates = [_pack(model, [tensor for tensor in tensors if len(tensor.raw_data) >= _LEAST_TENSOR_BYTES])]
    if len(model) <= _SMALL_FILE_BYTES:
        candidates.append(_pack(model, []))
    return min(candidates, key=len)


def unpack(packed: bytes) -> bytes:
    """Give the ONNX file back, bit for bit.

    Args:
        packed: What ``pack`` gave.

    Raises:
        UsageError: If it is something else, torn, damaged, or of a newer automl.
    """
    if not packed or packed[: len(_MAGIC)] != _MAGIC[: len(packed)]:
        raise UsageError("this is not a packed network; give a file that `automl export --packed` wrote")
    if len(packed) > len(_MAGIC) and packed[len(_MAGIC)] > _VERSION:
        version = packed[len(_MAGIC)]
        raise UsageError(f"this packed network has version {version}, and this automl reads {_VERSION}: upgrade automl")
    head = packed[: _HEAD.size].ljust(_HEAD.size, b"\0")
    _, _, *lzma_setting, text_bytes, code_bytes, plain_bytes, checksum, digest = _HEAD.unpack(head)
    body = packed[_HEAD.size :]
    expected = _HEAD.size + text_bytes + code_bytes + plain_bytes
    if len(packed) != expected:
        raise UsageError(f"this packed network is torn, with {len(packed):,} of {expected:,} bytes; get it again")
    if zlib.crc32(body) != checksum:
        raise UsageError("this packed network is damaged, for its checksum differs; get it again")
    text, rest = lzma.decompress(body[:text_bytes], lzma.FORMAT_RAW, filters=_filters(*lzma_setting)), body[text_bytes:]
    model = _StreamReader(text, rest[:code_bytes], rest[code_bytes:]).model()
    if _digest(model) != digest:
        raise UsageError("this packed network unpacks to something else than was packed; reinstall constriction")
    return model


def _pack(model: bytes, tensors: Iterable[onnx.TensorProto]) -> bytes:
    writer = _StreamWriter(model)
    for tensor in tensors:
        writer.take(tensor)
    return writer.finish()


class _StreamWriter:
    """Takes the tensors out of an ONNX file, one after the other."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._position = 0
        self._table = bytearray()
        self._skeleton = bytearray()
        self._symbols = SymbolWriter()
        self._text = bytearray()
        self._plain = bytearray()

    def take(self, tensor: onnx.TensorProto) -> None:
        raw = tensor.raw_data
        start = self._model.index(raw, self._position)
        layout = layout_of(tensor)
        sections = [self._put(stream) for stream in layout.split(raw)]
        self._table += _number(start - self._position) + _number(len(raw)) + _number(LAYOUTS.index(layout))
        self._table += bytes(sections)
        self._skeleton += self._model[self._position : start]
        self._position = start + len(raw)

    def finish(self) -> bytes:
        self._table += _number(len(self._model) - self._position) + _number(0)
        self._skeleton += self._model[self._position :]
        written = bytes(self._table + self._skeleton + self._text)
        settings = range(len(_LZMA_SETTINGS) if len(written) <= _SMALL_FILE_BYTES else 1)
        setting, text = min(((each, _lzma(written, each)) for each in settings), key=lambda choice: len(choice[1]))
        code = self._symbols.finish()
        body = text + code + self._plain
        lengths = len(text), len(code), len(self._plain)
        return (
            _HEAD.pack(
                _MAGIC, _VERSION, setting, _dictionary_bits(written), *lengths, zlib.crc32(body), _digest(self._model)
            )
            + body
        )

    def _put(self, stream: SymbolStream) -> _Section:
        symbols = stream.symbols.tobytes()
        sample = symbols[:_SAMPLE_BYTES]
        plain_bytes = len(symbols) * (stream.alphabet - 1).bit_length() / 8
        text_bytes = len(_lzma(sample, 0)) * len(symbols) / max(len(sample), 1)
        if self._symbols.add(stream, below_bytes=min(plain_bytes, text_bytes)):
            return _Section.CODE
        if text_bytes < plain_bytes or stream.alphabet < 256:
            self._text += symbols
            return _Section.TEXT
        self._plain += symbols
        return _Section.PLAIN


class _StreamReader:
    """Puts the tensors back."""

    def __init__(self, text: bytes, code: bytes, plain: bytes) -> None:
        self._text = _Bytes(text)
        self._symbols = SymbolReader(code)
        self._plain = _Bytes(plain)

    def model(self) -> bytes:
        taken: list[tuple[int, int, TensorLayout, bytes]] = []
        while True:
            gap, size = self._text.number(), self._text.number()
            if not size:
                break
            layout = LAYOUTS[self._text.number()]
            taken.append((gap, size, layout, self._text.take(layout.streams)))
        skeleton = _Bytes(self._text.take(gap + sum(entry[0] for entry in taken)))
        parts: list[bytes] = []
        for before, size, layout, sections in taken:
            parts.append(skeleton.take(before))
            parts.append(layout.join(size, partial(self._read_next, iter(sections))))
        return b"".join([*parts, skeleton.take(gap)])

    def _read_next(self, sections: Iterator[int], shape: StreamShape) -> NDArray[np.uint8]:
        section = next(sections)
        if section == _Section.CODE:
            return self._symbols.read(shape)
        source = self._text if section == _Section.TEXT else self._plain
        return np.frombuffer(source.take(shape.length), np.uint8)


class _Bytes:
    """Bytes that are read from first to last."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def take(self, count: int) -> bytes:
        self._position += count
        return self._content[self._position - count : self._position]

    def number(self) -> int:
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7


def _number(value: int) -> bytes:
    """Write a number in 7 bits a byte, lowest first; the eighth says that more follow."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _digest(model: bytes) -> bytes:
    return hashlib.blake2b(model, digest_size=8).digest()


def _lzma(content: bytes, setting: int) -> bytes:
    return lzma.compress(content, lzma.FORMAT_RAW, filters=_filters(setting, _dictionary_bits(content)))


def _dictionary_bits(content: bytes) -> int:
    """Choose a dictionary that holds the content: a larger one takes longer to set up than small files to pack."""
    bits = _LZMA_DICTIONARY_BITS
    return min(max(len(content).bit_length(), bits.start), bits.stop - 1)


def _filters(setting: int, dictionary_bits: int) -> list[dict[str, int]]:
    literal_bits, position_bits = _LZMA_SETTINGS[setting]
    return [
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": 1 << dictionary_bits,
            "lc": literal_bits,
            "lp": 0,
            "pb": position_bits,
            "mode": lzma.MODE_NORMAL,
            "nice_len": 64,
            "mf": lzma.MF_BT4,
        }
    ]
