"""A packed file is small, and becomes the file again to the last bit."""

import base64
import lzma
import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.errors import UsageError
from automl.export.packing import pack, unpack
from automl.export.weight_codes import WeightCodes, store_codes

HEAD_BYTES = 31
FROM_VERSION_1 = (
    "QU1MUAECDGkAAAAAAAAAwAAAAGD3D28YFdSKFxU5igALLQGGIMXCq1xEtvoIL+eVO0njSo0514rGvpuZKZD9uJK3l6naraZSHaf6"
    "4KU+c4wUqUUQEfg2ITY9rY4O/+mMAlW5RZahkvowJKBTIxUDGDxc3x1LodFGawLOG+w85jKHPL//7O9AAAADBgkNEBMXGh0hJCcr"
    "LjE1ODs/QkVJTE9TVlldYGNnam1xdHd7foGFiIuPkpWZnJ+jpqmtsLO3ur3BxMfLztEAU6f7T6P3S5/zR5vvQ5frP5PnO4/jN4vf"
    "M4fbL4PXK37SJnrOInbKHnLGGm7CFmq+Ema6DmK2Cl6yBlquAlapAPjw6ODYzsa+tq6mnpaOhnx0bGRcVExEPDQsIhoSCgL68uri"
    "2tDIwLiwqKCYkIh+dm5mXlZORj42LiQcFAwE/A=="
)


def file_of(*tensors: onnx.TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> bytes:
    graph = helper.make_graph(list(nodes), "g", [], [], list(tensors))
    return bytes(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()
    )


def gaussian_codes(count: int, bits: int, *, zeros: float = 0.0, seed: int = 0) -> NDArray[np.int8]:
    """Draw codes as trained weights have them: a bell over the grid, with a share of zeros."""
    random = np.random.default_rng(seed)
    limit = 2 ** (bits - 1) - 1
    values = np.rint(random.normal(0, limit / 3, count)).clip(-limit, limit)
    values[random.random(count) < zeros] = 0
    return values.astype(np.int8)


def quantized_file(bits: int, *, count: int = 40_000, zeros: float = 0.0) -> tuple[bytes, NDArray[np.int8]]:
    codes = gaussian_codes(count, bits, zeros=zeros)
    stored = store_codes({"w": WeightCodes(codes.reshape(-1, 8), bits)})
    return file_of(*stored.initializers, nodes=tuple(stored.nodes)), codes


def entropy_bytes(codes: NDArray[np.int8]) -> float:
    """Give Shannon's limit for symbols that are drawn one by one."""
    _, counts = np.unique(codes, return_counts=True)
    return float(-(counts * np.log2(counts / len(codes))).sum() / 8)


@pytest.mark.parametrize("zeros", [0.0, 0.9])
@pytest.mark.parametrize("bits", range(2, 9))
def test_codes_take_their_entropy_and_come_back(bits: int, zeros: float) -> None:
    model, codes = quantized_file(bits, zeros=zeros)
    packed = pack(model)
    assert unpack(packed) == model
    assert len(packed) < 1.01 * entropy_bytes(codes) + 450


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floats_lose_what_their_exponents_repeat(dtype: type) -> None:
    weights = np.random.default_rng(0).normal(0, 0.02, 30_000).astype(dtype)
    model = file_of(numpy_helper.from_array(weights, "w"))
    packed = pack(model)
    assert unpack(packed) == model
    assert len(packed) < 0.87 * len(model)


def test_zeros_among_floats_cost_little() -> None:
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.02, 30_000).astype(np.float32)
    weights[random.random(30_000) < 0.9] = 0
    model = file_of(numpy_helper.from_array(weights, "w"))
    packed = pack(model)
    assert unpack(packed) == model
    binary = -(0.1 * math.log2(0.1) + 0.9 * math.log2(0.9))
    assert len(packed) < 30_000 * (binary + 0.1 * 28) / 8 + 400


SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.0]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200).map(lambda raw: TensorProto(name="b", data_type=TensorProto.UINT8, raw_data=raw)),
            st.lists(st.sampled_from(SPECIAL), max_size=60).map(
                lambda values: numpy_helper.from_array(np.array(values, np.float32), "f")
            ),
            st.tuples(st.sampled_from([TensorProto.INT4, TensorProto.UINT2]), st.binary(max_size=200)).map(
                lambda pair: TensorProto(name="n", data_type=pair[0], raw_data=pair[1])
            ),
            st.tuples(st.integers(1, 9), st.binary(max_size=40)).map(
                lambda pair: TensorProto(
                    name="p", data_type=TensorProto.UINT8, dims=[pair[0], len(pair[1]), 1], raw_data=pair[1] * pair[0]
                )
            ),
            st.tuples(st.sampled_from([TensorProto.INT8, TensorProto.UINT8]), st.integers(1, 5), st.integers(1, 5)).map(
                lambda kind: TensorProto(
                    name="k",
                    data_type=kind[0],
                    dims=[3, 7, *kind[1:]],
                    raw_data=np.arange(21 * kind[1] * kind[2]).astype(np.uint8).tobytes(),
                )
            ),
        ),
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_any_file_comes_back_and_none_grows_beyond_lzma(tensors: list[onnx.TensorProto]) -> None:
    model = file_of(*tensors)
    packed = pack(model)
    assert unpack(packed) == model
    generic = lzma.compress(model, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}])
    assert len(packed) <= len(generic) + HEAD_BYTES + 4


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_smooth_kernels_take_less_than_their_symbols_one_by_one_and_than_lzma(bits: int) -> None:
    random = np.random.default_rng(0)
    smooth = random.normal(0, 0.3, (64, 64, 1, 1)) + random.normal(0, 0.12, (64, 64, 3, 3))
    limit = 2 ** (bits - 1) - 1
    codes = np.rint(smooth * limit).clip(-limit, limit).astype(np.int8)
    stored = store_codes({"w": WeightCodes(codes, bits)})
    model = file_of(*stored.initializers, nodes=tuple(stored.nodes))
    packed = pack(model)
    assert unpack(packed) == model
    assert len(packed) < 0.87 * entropy_bytes(codes.reshape(-1))
    assert len(packed) < 0.96 * len(lzma.compress(model, preset=9))


def test_weights_that_repeat_are_left_to_lzma() -> None:
    tile = np.random.default_rng(0).integers(0, 256, 4096, dtype=np.uint8)
    model = file_of(numpy_helper.from_array(np.tile(tile, 100), "w"))
    packed = pack(model)
    assert unpack(packed) == model
    assert len(packed) < 6000


def test_same_file_gives_the_same_bytes() -> None:
    model, _ = quantized_file(4)
    assert pack(model) == pack(bytes(model))


def version_1_file() -> bytes:
    """Give the file whose packed form stands above, with a tensor for each section."""
    squares = np.arange(600) ** 2 % 23 % 5
    fields = (squares[::2] | squares[1::2] << 4).astype(np.uint8).tobytes()
    return file_of(
        TensorProto(name="c", data_type=TensorProto.UINT4, dims=[600], raw_data=fields),
        numpy_helper.from_array(np.ldexp(1 + np.arange(64) * 0.013, -3).astype(np.float32), "f"),
        numpy_helper.from_array(np.arange(40) % 2 == 0, "t"),
    )


def test_what_version_1_wrote_is_read() -> None:
    assert unpack(base64.b64decode(FROM_VERSION_1)) == version_1_file()


@pytest.fixture(scope="module")
def packed() -> bytes:
    return pack(quantized_file(4, count=2000)[0])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x08\x0aonnx", b"AMLQ" + bytes(60)])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="not a packed network; give a file that `automl export --packed` wrote"):
        unpack(content)


@pytest.mark.parametrize("kept", [3, 4, 5, 20, HEAD_BYTES, -1])
def test_a_torn_file_is_refused(packed: bytes, kept: int) -> None:
    with pytest.raises(UsageError, match="is torn"):
        unpack(packed[:kept])


def test_a_longer_file_is_refused(packed: bytes) -> None:
    with pytest.raises(UsageError, match="is torn"):
        unpack(packed + b"\0")


@pytest.mark.parametrize("where", [HEAD_BYTES, 200, -1])
def test_a_flipped_bit_is_noticed(packed: bytes, where: int) -> None:
    damaged = bytearray(packed)
    damaged[where] ^= 1
    with pytest.raises(UsageError, match="damaged"):
        unpack(bytes(damaged))


@pytest.mark.parametrize("flipped", [0x01, 0x02, 0x80, 0xFF])
def test_any_flipped_byte_is_refused_in_one_line(flipped: int) -> None:
    """No part of a file may be changed without a word, and none may end in another error than that."""
    packed = pack(version_1_file())
    for place in range(len(packed)):
        damaged = bytearray(packed)
        damaged[place] ^= flipped
        with pytest.raises(UsageError, match=r"^this (is not a )?packed network[^\n]*$"):
            unpack(bytes(damaged))


@pytest.mark.parametrize("place", [5, 6])
@pytest.mark.parametrize("value", range(0, 256, 5))
def test_another_setting_of_the_coder_is_refused(packed: bytes, place: int, value: int) -> None:
    if packed[place] != value:
        with pytest.raises(UsageError, match="damaged, for its head does not fit its body; get it again"):
            unpack(packed[:place] + bytes([value]) + packed[place + 1 :])


def test_a_newer_version_is_refused_with_both_versions(packed: bytes) -> None:
    with pytest.raises(UsageError, match="version 9, and this automl reads 1: upgrade automl"):
        unpack(packed[:4] + b"\x09" + packed[5:])


def test_a_file_that_unpacks_to_another_is_refused(packed: bytes) -> None:
    other = pack(quantized_file(4, count=2400)[0])
    digest = slice(HEAD_BYTES - 8, HEAD_BYTES)
    with pytest.raises(UsageError, match="unpacks to something else"):
        unpack(other[: digest.start] + packed[digest] + other[digest.stop :])


def test_what_is_no_onnx_file_is_not_packed() -> None:
    with pytest.raises(UsageError, match="not an ONNX file"):
        pack(b"\xff\xff not a model")
