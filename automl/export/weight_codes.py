"""Stores integer weights in as few bytes as a runtime can open: one byte, a native narrow type, or bit planes.

ONNX Runtime computes with int8 and unpacks the narrower forms once, while it loads the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_UNPACK = "U"
_UNPACK_DOMAIN = "u"
_NATIVE_TYPES = {4: TensorProto.INT4, 2: TensorProto.INT2}
_CAST_NODE_BYTES = 27
_UNPACK_NODE_BYTES = 50  # the call, and the share of the shapes that it is given
_PLANE_VALUES_BYTES = 25  # for each width that is stored as planes


@dataclass(frozen=True)
class WeightCodes:
    """Integers of ``bits`` bits, int8 array of any shape, in ``-(2**(bits-1) - 1) … 2**(bits-1) - 1``."""

    codes: NDArray[np.int8]
    bits: int


@dataclass(frozen=True)
class StoredCodes:
    """Parts of an ONNX model, whose nodes compute int8 tensors of the given names.

    Attributes:
        initializers: The bytes that are stored.
        nodes: What turns them into int8.
        functions: Called by the nodes.
        opset: The least version of the standard operators that knows the types used.
    """

    initializers: list[onnx.TensorProto] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    functions: list[onnx.FunctionProto] = field(default_factory=list)
    opset: int = 21


def store_codes(weights: Mapping[str, WeightCodes]) -> StoredCodes:
    """Choose for each tensor the form that makes the whole file smallest.

    A width of 8, 4 or 2 bits has a type of its own. Planes of 3, 5, 6 and 7 bits need a function of some
    400 bytes, so they are used once they save more than that; until then the next type takes the codes.

    Args:
        weights: By the name of the tensor that is to hold the codes.
    """
    planes = _worth_planes(weights)
    opset = 21
    parts = StoredCodes()
    for name, weight in weights.items():
        if name in planes:
            _add_planes(parts, name, weight)
        elif (width := _native_width(weight)) == 8:
            parts.initializers.append(numpy_helper.from_array(weight.codes, name))
        else:
            _add_native(parts, name, weight.codes, width)
            opset = max(opset, 25 if width == 2 else 21)
    if planes:
        parts.functions.append(_unpack_function(opset))
    return StoredCodes(parts.initializers, parts.nodes, parts.functions, opset)


def _native_width(weight: WeightCodes) -> int:
    widths = [width for width in (2, 4, 8) if width >= weight.bits]
    return min(widths, key=lambda width: _native_bytes(weight, width))


def _native_bytes(weight: WeightCodes, width: int) -> int:
    return -(-weight.codes.size * width // 8) + (_CAST_NODE_BYTES if width < 8 else 0)


def _worth_planes(weights: Mapping[str, WeightCodes]) -> set[str]:
    saved: dict[int, dict[str, int]] = {}
    for name, weight in weights.items():
        planes_bytes = weight.bits * -(-weight.codes.size // 8) + _UNPACK_NODE_BYTES
        saving = _native_bytes(weight, _native_width(weight)) - planes_bytes
        if weight.bits in (3, 5, 6, 7) and saving > 0:
            saved.setdefault(weight.bits, {})[name] = saving
    saved = {bits: savings for bits, savings in saved.items() if sum(savings.values()) > _PLANE_VALUES_BYTES}
    total = sum(sum(savings.values()) - _PLANE_VALUES_BYTES for savings in saved.values())
    if total <= _unpack_function(21).ByteSize():
        return set()
    return {name for savings in saved.values() for name in savings}


def _add_native(parts: StoredCodes, name: str, codes: NDArray[np.int8], width: int) -> None:
    packed = f"{name}:packed"
    per_byte = 8 // width
    unsigned = codes.reshape(-1).astype(np.uint8) & (2**width - 1)
    fields = np.pad(unsigned, (0, -unsigned.size % per_byte)).reshape(-1, per_byte)
    raw = np.bitwise_or.reduce(fields << (np.arange(per_byte, dtype=np.uint8) * width), axis=1).astype(np.uint8)
    tensor = TensorProto(name=packed, data_type=_NATIVE_TYPES[width], dims=codes.shape, raw_data=raw.tobytes())
    parts.initializers.append(tensor)
    parts.nodes.append(helper.make_node("Cast", [packed], [name], to=TensorProto.INT8))


def _add_planes(parts: StoredCodes, name: str, weight: WeightCodes) -> None:
    """Bit ``i`` of code ``8 * g + k`` becomes bit ``k`` of ``planes[i, g]``, in two's complement."""
    flat = weight.codes.reshape(-1).astype(np.uint8)
    planes = np.stack([np.packbits(flat >> bit & 1, bitorder="little") for bit in range(weight.bits)])
    values = np.array([*(2**bit for bit in range(weight.bits - 1)), -(2 ** (weight.bits - 1))], np.int8)
    inputs: dict[str, NDArray[np.generic]] = {
        f"{name}:planes": planes[:, :, np.newaxis],
        f"{name}:values": values,
        f"{name}:shape": np.array(weight.codes.shape, np.int64),
    }
    parts.initializers.extend(numpy_helper.from_array(array, key) for key, array in inputs.items())
    parts.nodes.append(helper.make_node(_UNPACK, list(inputs), [name], domain=_UNPACK_DOMAIN))


def _unpack_function(opset: int) -> onnx.FunctionProto:
    """Give (planes, values of the planes, shape) the standard operators that compute the codes."""
    nodes = [
        _constant("k", np.arange(8, dtype=np.uint8)),
        _constant("i", np.array(1, np.uint8)),
        _constant("z", np.array([0])),
        helper.make_node("BitShift", ["p", "k"], ["a"], direction="RIGHT"),
        helper.make_node("BitwiseAnd", ["a", "i"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("MatMulInteger", ["v", "c"], ["d"]),
        helper.make_node("ReduceProd", ["s"], ["n"]),
        helper.make_node("Slice", ["d", "z", "n"], ["e"]),
        helper.make_node("Reshape", ["e", "s"], ["f"]),
        helper.make_node("Cast", ["f"], ["q"], to=TensorProto.INT8),
    ]
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_function(_UNPACK_DOMAIN, _UNPACK, ["p", "v", "s"], ["q"], nodes, opsets)


def _constant(name: str, array: NDArray[np.generic]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
