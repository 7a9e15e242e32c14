import collections
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto as T
from onnx import helper

from automl.export.weight_codes import StoredCodes, WeightCodes, store_codes


def random_codes(shape: tuple[int, ...], bits: int) -> WeightCodes:
    limit = 2 ** (bits - 1) - 1
    codes = np.random.default_rng(bits).integers(-limit, limit + 1, shape).astype(np.int8)
    return WeightCodes(codes, bits)


def random_levels(shape: tuple[int, ...], bits: int, *, spread: int = 127) -> WeightCodes:
    """Draw codes from levels that follow no rule: as many as the bits allow, up to one that is left out."""
    random = np.random.default_rng(bits)
    count = min(2**bits - (bits > 1), 2 * spread + 1)
    levels = np.sort(random.choice(np.arange(-spread, spread + 1), count, replace=False)).astype(np.int8)
    return WeightCodes(random.choice(levels, shape), bits, tuple(levels.tolist()))


def stored_bytes(stored: StoredCodes) -> int:
    parts: list[Any] = [*stored.initializers, *stored.nodes, *stored.functions]
    return sum(part.ByteSize() for part in parts)


def run(stored: StoredCodes, weights: dict[str, WeightCodes]) -> dict[str, NDArray[np.int8]]:
    outputs = [helper.make_tensor_value_info(name, T.INT8, w.codes.shape) for name, w in weights.items()]
    copies = [helper.make_node("Identity", [f"{name}"], [f"{name}:out"]) for name in weights]
    for output in outputs:
        output.name = f"{output.name}:out"
    graph = helper.make_graph([*stored.nodes, *copies], "g", [], outputs, stored.initializers)
    domains = {function.domain for function in stored.functions}
    opsets = [helper.make_opsetid("", stored.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, functions=stored.functions, opset_imports=opsets, ir_version=13)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip(weights, session.run(None, {}), strict=True))


def decode(stored: StoredCodes, name: str, weight: WeightCodes) -> list[int]:
    """Read codes bit by bit, by the definition of the formats rather than by the code that wrote them."""
    tensors = {tensor.name: tensor for tensor in stored.initializers}
    size, is_signed = weight.codes.size, f"{name}:table" not in tensors
    if f"{name}:planes" in tensors:
        planes = onnx.numpy_helper.to_array(tensors[f"{name}:planes"])
        bits = [[int(planes[i, j // 8, 0]) >> (j % 8) & 1 for i in range(len(planes))] for j in range(size)]
    else:
        tensor = tensors.get(f"{name}:packed") or tensors[name]
        width = {**dict.fromkeys((T.INT2, T.UINT2), 2), **dict.fromkeys((T.INT4, T.UINT4), 4), T.INT8: 8}[
            tensor.data_type
        ]
        stream = [byte >> i & 1 for byte in tensor.raw_data for i in range(8)]
        bits = [stream[j * width : (j + 1) * width] for j in range(size)]
    unsigned = [sum(bit << i for i, bit in enumerate(code)) for code in bits]
    if is_signed:
        return [code - 2 ** len(bits[0]) if code >> (len(bits[0]) - 1) else code for code in unsigned]
    table = onnx.numpy_helper.to_array(tensors[f"{name}:table"])
    return [int(table[code]) for code in unsigned]


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (7, 3, 3, 3), (10, 37), (1, 1)])
def test_codes_read_back_bit_for_bit(bits: int, shape: tuple[int, ...]) -> None:
    weights = {"w": random_codes(shape, bits)}
    stored = store_codes(weights)
    np.testing.assert_array_equal(run(stored, weights)["w"], weights["w"].codes)
    assert decode(stored, "w", weights["w"]) == weights["w"].codes.reshape(-1).tolist()


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (16, 3, 3, 3), (7, 3, 3, 3), (10, 37), (1, 1)])
@pytest.mark.parametrize("spread", [1, 7, 127])
def test_codes_of_any_levels_read_back(bits: int, shape: tuple[int, ...], spread: int) -> None:
    weights = {"w": random_levels(shape, bits, spread=spread)}
    stored = store_codes(weights)
    np.testing.assert_array_equal(run(stored, weights)["w"], weights["w"].codes)
    assert decode(stored, "w", weights["w"]) == weights["w"].codes.reshape(-1).tolist()


def test_levels_at_the_ends_of_int8_read_back() -> None:
    for bits in (1, 2, 3, 4):
        levels = (-128, 127)
        codes = np.random.default_rng(bits).choice(np.array(levels, np.int8), (64, 64, 3, 3))
        weights = {"w": WeightCodes(codes, bits, levels)}
        np.testing.assert_array_equal(run(store_codes(weights), weights)["w"], codes)


@pytest.mark.parametrize("lowest", [-128, -65, -64, -33, -17, -16, -9, -8, -5, -4, -3, -2, -1, 0])
@pytest.mark.parametrize("highest", [1, 2, 3, 4, 7, 8, 15, 127])
def test_levels_beside_the_ends_of_a_narrow_type_read_back(lowest: int, highest: int) -> None:
    """-8 fits four bits, and -9 and 8 do not."""
    codes = np.random.default_rng(0).choice(np.array([lowest, highest], np.int8), (10, 10))  # small: no table
    weights = {"w": WeightCodes(codes, 1, (lowest, highest))}
    np.testing.assert_array_equal(run(store_codes(weights), weights)["w"], codes)


@pytest.mark.parametrize("bits", range(1, 9))
def test_large_tensor_of_any_levels_costs_little_more_than_its_bits(bits: int) -> None:
    weight = random_levels((64, 64, 3, 3), bits)
    assert stored_bytes(store_codes({"w": weight})) < weight.codes.size * bits / 8 + 2**bits + 660


def test_levels_that_fit_a_narrow_type_need_no_table() -> None:
    codes = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (10, 37))
    stored = store_codes({"w": WeightCodes(codes, 1, (-1, 1))})
    assert [node.op_type for node in stored.nodes] == ["Cast"]
    assert [tensor.data_type for tensor in stored.initializers] == [T.INT2]


@pytest.mark.parametrize("bits", range(2, 9))
def test_large_tensor_costs_little_more_than_its_bits(bits: int) -> None:
    weight = random_codes((64, 64, 3, 3), bits)
    assert stored_bytes(store_codes({"w": weight})) < weight.codes.size * bits / 8 + 620


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7])
def test_small_tensor_is_never_larger_than_bytes(bits: int) -> None:
    for outputs in (1, 4, 8, 64):
        weight = random_codes((outputs, 3, 3), bits)
        as_bytes = stored_bytes(store_codes({"w": WeightCodes(weight.codes, 8)}))
        assert stored_bytes(store_codes({"w": weight})) <= as_bytes + 20  # long names in this test


@pytest.mark.parametrize(("draw", "function"), [(random_codes, "U"), (random_levels, "L")])
def test_widths_share_one_function(draw: Callable[..., WeightCodes], function: str) -> None:
    weights = {f"w{bits}": draw((64, 64, 3), bits) for bits in (3, 5, 6, 7)}
    stored = store_codes(weights)
    assert len(stored.functions) == 1
    assert collections.Counter(node.op_type for node in stored.nodes) == {function: 4}
    results = run(stored, weights)
    for name, weight in weights.items():
        np.testing.assert_array_equal(results[name], weight.codes)


def test_grids_and_levels_of_every_width_stand_in_one_file() -> None:
    weights = {f"grid{bits}": random_codes((64, 64, 3), bits) for bits in range(2, 9)}
    weights |= {f"levels{bits}": random_levels((64, 64, 3), bits) for bits in range(1, 9)}
    results = run(store_codes(weights), weights)
    for name, weight in weights.items():
        np.testing.assert_array_equal(results[name], weight.codes)
