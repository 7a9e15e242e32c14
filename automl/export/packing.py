"""Makes the file that is shipped: a network entropy-coded, which unpacks to the very bytes that the runtime opens.

This is the last step of Deep Compression (Han et al., Deep Compression, 2016), with a better coder than Huffman's.
"""

import hashlib
import lzma
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from automl.errors import UsageError
from automl.export import kernel_contexts
from automl.export.adaptive_coder import StreamShape, SymbolReader, SymbolStream, SymbolWriter
from automl.export.kernel_contexts import Kernel
from automl.export.tensor_layout import LAYOUTS, TensorLayout, layout_of

PACKED_SUFFIX = ".packed"

_MAGIC = b"AMLP"
_VERSION = 1
_HEAD = struct.Struct("<4sBBBIIII8s")  # magic, version, LZMA (2), bytes of the three sections, CRC of them, digest
_LZMA_SETTINGS = ((3, 2), (3, 0), (0, 0))  # bits of the literal's context, bits of the position
_LZMA_DICTIONARY_BITS = range(12, 27)
_LEAST_TENSOR_BYTES = 16
_SAMPLE_BYTES = 1 << 13
_DRAFT_SYMBOLS = 1 << 16
_SMALL_FILE_BYTES = 1 << 16


class _Section(IntEnum):
    """Where a stream stands: the numbers are stored."""

    CODE = 0  # by the frequencies of its symbols
    TEXT = 1  # with the rest of the ONNX file and the table of what was taken out of it, in LZMA
    PLAIN = 2  # as it is, where nothing makes it shorter
    KERNEL = 3  # as CODE, each symbol given its neighbours in the kernel


def pack(model: bytes) -> bytes:
    """Compress an ONNX file.

    The result depends on nothing but the file and the versions of liblzma and constriction. It is no larger
    than LZMA makes the whole file, give or take the head; above 64 KiB, the first part of each tensor decides
    which coder takes it.

    Args:
        model: The content of an ONNX file.

    Raises:
        UsageError: If it is no ONNX file.
    """
    try:
        graph = onnx.load_from_string(model).graph
    except DecodeError as error:
        raise UsageError("what is to be packed is not an ONNX file; give one that `automl export` wrote") from error
    kernels = _kernels(graph)
    writer, plain_writer = _StreamWriter(model), _StreamWriter(model)
    for tensor in graph.initializer:
        if len(tensor.raw_data) >= _LEAST_TENSOR_BYTES:
            writer.take(tensor, kernels[tensor.name])
    candidates = [writer.finish()]
    if len(model) <= _SMALL_FILE_BYTES:
        candidates.append(plain_writer.finish())
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
    if len(packed) > len(_MAGIC) and not packed[len(_MAGIC)]:
        raise UsageError("this packed network is damaged, for there was no version 0; get it again")
    head = packed[: _HEAD.size].ljust(_HEAD.size, b"\0")
    _, _, *lzma_setting, text_bytes, code_bytes, plain_bytes, checksum, digest = _HEAD.unpack(head)
    body = packed[_HEAD.size :]
    expected = _HEAD.size + text_bytes + code_bytes + plain_bytes
    if len(packed) != expected:
        raise UsageError(f"this packed network is torn, with {len(packed):,} of {expected:,} bytes; get it again")
    if zlib.crc32(body) != checksum:
        raise UsageError("this packed network is damaged, for its checksum differs; get it again")
    text, rest = _plain_text(body[:text_bytes], *lzma_setting), body[text_bytes:]
    model = _StreamReader(text, rest[:code_bytes], rest[code_bytes:]).model()
    if _digest(model) != digest:
        raise UsageError("this packed network unpacks to something else than was packed; reinstall constriction")
    return model


def _kernels(graph: onnx.GraphProto) -> dict[str, Kernel]:
    """Say how the weights of each tensor lie side by side; 1x1 where they do not."""
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    numbers = {
        tensor.name: numpy_helper.to_array(tensor).reshape(-1).tolist()
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.INT64
    }
    for node in graph.node:
        if node.domain and node.input[-1] in numbers:  # a function that unpacks planes is given the shape last
            shapes[node.input[0]] = numbers[node.input[-1]]
    return {name: Kernel(*shape[2:]) if len(shape) == 4 else Kernel(1, 1) for name, shape in shapes.items()}


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

    def take(self, tensor: onnx.TensorProto, kernel: Kernel) -> None:
        raw = tensor.raw_data
        start = self._model.index(raw, self._position)
        layout = layout_of(tensor)
        sections = [self._put(stream, kernel) for stream in layout.split(raw)]
        self._table += _number(start - self._position) + _number(len(raw)) + _number(LAYOUTS.index(layout))
        self._table += _number(kernel.height) + _number(kernel.width)
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

    def _put(self, stream: SymbolStream, kernel: Kernel) -> _Section:
        section = self._shortest(stream, kernel)
        if section is _Section.CODE:
            self._symbols.take(self._symbols.draft([stream]))
        elif section is _Section.KERNEL:
            self._symbols.take(self._symbols.draft(kernel_contexts.split(stream, kernel)))
        elif section is _Section.TEXT:
            self._text += stream.symbols.tobytes()
        else:
            self._plain += stream.symbols.tobytes()
        return section

    def _shortest(self, stream: SymbolStream, kernel: Kernel) -> _Section:
        """Judge a long stream by its first part."""
        head = stream._replace(symbols=stream.symbols[:_DRAFT_SYMBOLS])
        text = head.symbols[:_SAMPLE_BYTES].tobytes()
        sizes = {
            _Section.CODE: self._symbols.draft([head]).coded_bytes,
            _Section.TEXT: len(_lzma(text, 0)) * len(head.symbols) / max(len(text), 1),
            _Section.PLAIN: len(head.symbols),
        }
        if kernel.size > 1:
            sizes[_Section.KERNEL] = self._symbols.draft(kernel_contexts.split(head, kernel)).coded_bytes
        return min(sizes, key=lambda section: sizes[section])


class _Entry(NamedTuple):
    """A line of the table: a tensor, and the bytes of the file between the one before and this one."""

    gap: int
    size: int
    layout: TensorLayout
    kernel: Kernel
    sections: bytes


class _StreamReader:
    """Puts the tensors back."""

    def __init__(self, text: bytes, code: bytes, plain: bytes) -> None:
        self._text = _Bytes(text)
        self._symbols = SymbolReader(code)
        self._plain = _Bytes(plain)

    def model(self) -> bytes:
        taken: list[_Entry] = []
        while True:
            gap, size = self._text.number(), self._text.number()
            if not size:
                break
            layout = LAYOUTS[self._text.number()]
            kernel = Kernel(self._text.number(), self._text.number())
            taken.append(_Entry(gap, size, layout, kernel, self._text.take(layout.streams)))
        skeleton = _Bytes(self._text.take(gap + sum(entry.gap for entry in taken)))
        parts: list[bytes] = []
        for entry in taken:
            parts.append(skeleton.take(entry.gap))
            parts.append(entry.layout.join(entry.size, partial(self._read_next, iter(entry.sections), entry.kernel)))
        return b"".join([*parts, skeleton.take(gap)])

    def _read_next(self, sections: Iterator[int], kernel: Kernel, shape: StreamShape) -> NDArray[np.uint8]:
        section = next(sections)
        if section == _Section.KERNEL:
            return kernel_contexts.join(shape, kernel, self._symbols.read)
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


def _plain_text(packed: bytes, setting: int, dictionary_bits: int) -> bytes:
    """Undo LZMA. The checksum is of the body alone; the settings before it are right if the text ends where it should.

    Raises:
        UsageError: If they are not those that the text was packed with.
    """
    damaged = UsageError("this packed network is damaged, for its head does not fit its body; get it again")
    if setting >= len(_LZMA_SETTINGS) or dictionary_bits not in _LZMA_DICTIONARY_BITS:
        raise damaged
    reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_filters(setting, dictionary_bits))
    try:
        text = reader.decompress(packed)
    except lzma.LZMAError as error:
        raise damaged from error
    if not reader.eof or reader.unused_data or _dictionary_bits(text) != dictionary_bits:
        raise damaged
    return text


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
