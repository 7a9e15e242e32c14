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
_LOOK_UP = "L"
_FUNCTION_DOMAIN = "u"
_CODE_TYPES = {4: TensorProto.INT4, 2: TensorProto.INT2}
_INDEX_TYPES = {4: TensorProto.UINT4, 2: TensorProto.UINT2}
_CAST_NODE_BYTES = 27
_GATHER_NODE_BYTES = 21
_CALL_NODE_BYTES = 50  # the call, and the share of the shapes that it is given
_INITIALIZER_BYTES = 10  # around the values of a table
_PLANE_VALUES_BYTES = 25  # for each width that is stored as planes
_PLANE_BITS = (1, 3, 5, 6, 7)  # the other widths have a type of their own


@dataclass(frozen=True)
class WeightCodes:
    """Integers that are ``bits`` wide once they are stored.

    Attributes:
        codes: int8, any shape.
        bits: 1 to 8.
        levels: The values that occur, ascending, at most ``2**bits``; None where they are
            ``-(2**(bits-1) - 1) … 2**(bits-1) - 1``, which need no table.
    """

    codes: NDArray[np.int8]
    bits: int
    levels: tuple[int, ...] | None = None

    def equals(self, other: "WeightCodes") -> bool:
        """Say whether both are stored in the same bytes."""
        is_like = (self.bits, self.levels) == (other.bits, other.levels)
        return is_like and np.array_equal(self.codes, other.codes)

    @property
    def table(self) -> NDArray[np.int8]:
        """The values, by their index."""
        return np.array(self.levels or (), np.int8)

    @property
    def indices(self) -> NDArray[np.uint8]:
        """The index of each code in the table, in the shape of the codes."""
        return np.searchsorted(self.table, self.codes).astype(np.uint8)


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


@dataclass(frozen=True)
class _NativeForm:
    """One element of a type that ONNX knows for each weight: a code, or the index of one."""

    width: int
    is_index: bool = False

    def stored_bytes(self, weight: WeightCodes) -> int:
        values_bytes = -(-weight.codes.size * self.width // 8)
        table_bytes = _GATHER_NODE_BYTES + _INITIALIZER_BYTES + len(weight.table) if self.is_index else 0
        return values_bytes + (_CAST_NODE_BYTES if self.width < 8 else 0) + table_bytes


def store_codes(weights: Mapping[str, WeightCodes]) -> StoredCodes:
    """Choose for each tensor the form that makes the whole file smallest.

    A width of 8, 4 or 2 bits has a type of its own. Planes of 1, 3, 5, 6 and 7 bits need a function of some
    400 bytes, so they are used once they save more than that; until then the next type takes the codes.
    Where a weight has levels, the codes themselves are stored if they fit, else their indices and the levels.

    Args:
        weights: By the name of the tensor that is to hold the codes.
    """
    planes = _worth_planes(weights)
    parts = StoredCodes()
    types: set[int] = set()
    for name, weight in weights.items():
        form = _smallest_native_form(weight)
        if name in planes:
            _add_planes(parts, name, weight)
        elif form.width == 8:
            parts.initializers.append(numpy_helper.from_array(weight.codes, name))
        else:
            types.add(form.width)
            _add_native(parts, name, weight, form)
    opset = 25 if 2 in types else 21
    looks_up = {weights[name].levels is not None for name in planes}
    parts.functions.extend(_unpack_function(opset, looks_up=value) for value in sorted(looks_up))
    return StoredCodes(parts.initializers, parts.nodes, parts.functions, opset)


def _smallest_native_form(weight: WeightCodes) -> _NativeForm:
    forms = [_NativeForm(width) for width in (2, 4, 8) if width >= _code_bits(weight)]
    if weight.levels is not None:
        forms.extend(_NativeForm(width, is_index=True) for width in (2, 4) if width >= weight.bits)
    return min(forms, key=lambda form: form.stored_bytes(weight))


def _code_bits(weight: WeightCodes) -> int:
    """Give the width of the codes themselves in two's complement."""
    if weight.levels is None:
        return weight.bits
    return max((level if level >= 0 else -level - 1).bit_length() + 1 for level in weight.levels)


def _worth_planes(weights: Mapping[str, WeightCodes]) -> set[str]:
    """Name the weights that are smaller as planes, once their function and the values of the planes are paid."""
    chosen: set[str] = set()
    for looks_up in (False, True):
        kind = {name: weight for name, weight in weights.items() if (weight.levels is not None) == looks_up}
        saved: dict[int, dict[str, int]] = {}
        for name, weight in kind.items():
            planes_bytes = weight.bits * -(-weight.codes.size // 8) + _CALL_NODE_BYTES
            planes_bytes += _INITIALIZER_BYTES + len(weight.table) if looks_up else 0
            saving = _smallest_native_form(weight).stored_bytes(weight) - planes_bytes
            if weight.bits in _PLANE_BITS and saving > 0:
                saved.setdefault(weight.bits, {})[name] = saving
        saved = {bits: savings for bits, savings in saved.items() if sum(savings.values()) > _PLANE_VALUES_BYTES}
        total = sum(sum(savings.values()) - _PLANE_VALUES_BYTES for savings in saved.values())
        if total > _unpack_function(21, looks_up=looks_up).ByteSize():
            chosen.update(*saved.values())
    return chosen


def _add_native(parts: StoredCodes, name: str, weight: WeightCodes, form: _NativeForm) -> None:
    packed = f"{name}:packed"
    types = _INDEX_TYPES if form.is_index else _CODE_TYPES
    raw = _pack(weight.indices if form.is_index else weight.codes, form.width)
    parts.initializers.append(
        TensorProto(name=packed, data_type=types[form.width], dims=weight.codes.shape, raw_data=raw)
    )
    if not form.is_index:
        parts.nodes.append(helper.make_node("Cast", [packed], [name], to=TensorProto.INT8))
        return
    table, indices = _add_initializers(parts, {f"{name}:table": weight.table})[0], f"{name}:indices"
    parts.nodes.append(helper.make_node("Cast", [packed], [indices], to=TensorProto.INT32))
    parts.nodes.append(helper.make_node("Gather", [table, indices], [name]))


def _pack(values: NDArray[np.int8] | NDArray[np.uint8], width: int) -> bytes:
    """Put 4 or 2 bits of each value into bytes, the first value lowest."""
    per_byte = 8 // width
    unsigned = values.reshape(-1).astype(np.uint8) & (2**width - 1)
    fields = np.pad(unsigned, (0, -unsigned.size % per_byte)).reshape(-1, per_byte)
    shifts = np.arange(per_byte, dtype=np.uint8) * width
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(fields << shifts, axis=1).astype(np.uint8)
    return packed.tobytes()


def _add_planes(parts: StoredCodes, name: str, weight: WeightCodes) -> None:
    """Bit ``i`` of value ``8 * g + k`` becomes bit ``k`` of ``planes[i, g]``; codes are in two's complement."""
    looks_up = weight.levels is not None
    flat = (weight.indices if looks_up else weight.codes).reshape(-1).astype(np.uint8)
    planes = np.stack([np.packbits(flat >> bit & 1, bitorder="little") for bit in range(weight.bits)])
    highest = 2 ** (weight.bits - 1)
    values = np.array([*(2**bit for bit in range(weight.bits - 1)), highest if looks_up else -highest], np.int8)
    inputs: dict[str, NDArray[np.generic]] = {
        f"{name}:planes": planes[:, :, np.newaxis],
        f"{name}:values": values,
        f"{name}:shape": np.array(weight.codes.shape, np.int64),
    }
    if looks_up:
        inputs[f"{name}:table"] = weight.table
    function = _LOOK_UP if looks_up else _UNPACK
    parts.nodes.append(helper.make_node(function, _add_initializers(parts, inputs), [name], domain=_FUNCTION_DOMAIN))


def _add_initializers(parts: StoredCodes, arrays: Mapping[str, NDArray[np.generic]]) -> list[str]:
    parts.initializers.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())
    return list(arrays)


def _unpack_function(opset: int, *, looks_up: bool) -> onnx.FunctionProto:
    """Give (planes, values of the planes, shape) the standard operators that compute the codes.

    Where it looks up, the planes make indices, and a fourth input holds the codes by their index.
    """
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
        helper.make_node("Gather", ["t", "f"], ["q"])
        if looks_up
        else helper.make_node("Cast", ["f"], ["q"], to=TensorProto.INT8),
    ]
    name, inputs = (_LOOK_UP, ["p", "v", "s", "t"]) if looks_up else (_UNPACK, ["p", "v", "s"])
    return helper.make_function(_FUNCTION_DOMAIN, name, inputs, ["q"], nodes, [helper.make_opsetid("", opset)])


def _constant(name: str, array: NDArray[np.generic]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
