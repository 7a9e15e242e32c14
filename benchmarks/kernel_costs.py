"""Measures convolutions in float32 and int8 in ONNX Runtime, beside what ``automl.export.kernel_costs`` says of them.

A layer's time is the difference between a chain of five and a single one, on one thread: what a run costs aside, and
the way in and out, drop out. The last lines give the ratio of estimate and measurement at five percentiles.

Usage: python benchmarks/kernel_costs.py
"""

import time

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from automl.export.kernel_costs import kernel_cost

CHANNELS, SIDES = (6, 8, 12, 16, 24, 40, 64, 96, 160, 256), (1, 2, 4, 7, 14, 28)
LARGEST = 2.5e7
"""Multiplications of a layer."""

LENGTHS = (1, 5)
ROUNDS, BURST = 15, 3


def chain(channels: int, side: int, window: int, groups: int, length: int, *, is_integer: bool) -> onnx.ModelProto:
    """Build so many equal convolutions, each with its clamp, or between its grids."""
    random = np.random.default_rng(0)
    arrays: dict[str, NDArray[np.generic]] = {"scale": np.array(0.05, np.float32), "zero": np.array(0, np.uint8)}
    nodes, value = [], "x"
    grid = ["scale", "zero"]
    if is_integer:
        nodes.append(helper.make_node("DequantizeLinear", [value, *grid], ["real"]))
        value = "real"
    for layer in range(length):
        shape = (channels, channels // groups, window, window)
        weight = random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        arrays[f"b{layer}"] = random.normal(0, 0.1, channels).astype(np.float32)
        if is_integer:
            scales = np.abs(weight).reshape(channels, -1).max(1) / 127
            arrays[f"c{layer}"] = np.rint(weight / scales[:, None, None, None]).astype(np.int8)
            arrays[f"s{layer}"] = scales
            nodes.append(helper.make_node("DequantizeLinear", [f"c{layer}", f"s{layer}"], [f"w{layer}"], axis=0))
        else:
            arrays[f"w{layer}"] = weight
        inputs = [value, f"w{layer}", f"b{layer}"]
        nodes.append(helper.make_node("Conv", inputs, [f"y{layer}"], pads=[window // 2] * 4, group=groups))
        value = f"z{layer}"
        if is_integer:
            nodes.append(helper.make_node("QuantizeLinear", [f"y{layer}", *grid], [f"q{layer}"]))
            nodes.append(helper.make_node("DequantizeLinear", [f"q{layer}", *grid], [value]))
        else:
            nodes.append(helper.make_node("Relu", [f"y{layer}"], [value]))
    if is_integer:
        value = nodes.pop().input[0]
    kind = TensorProto.UINT8 if is_integer else TensorProto.FLOAT
    given = helper.make_tensor_value_info("x", kind, [1, channels, side, side])
    graph = helper.make_graph(
        nodes,
        "chain",
        [given],
        [helper.make_tensor_value_info(value, kind, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def layer_us(channels: int, side: int, window: int, groups: int) -> tuple[float, float]:
    """Measure a layer in float32 and in int8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    sessions: dict[tuple[bool, int], tuple[onnxruntime.InferenceSession, NDArray[np.generic]]] = {}
    found: dict[tuple[bool, int], list[float]] = {}
    for is_integer in (False, True):
        image = np.ones((1, channels, side, side), np.uint8 if is_integer else np.float32)
        for length in LENGTHS:
            model = chain(channels, side, window, groups, length, is_integer=is_integer).SerializeToString()
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            sessions[is_integer, length] = session, image
            found[is_integer, length] = []
    for _ in range(ROUNDS):
        for key, (session, image) in sessions.items():
            session.run(None, {"x": image})
            for _ in range(BURST):
                started = time.thread_time_ns()
                session.run(None, {"x": image})
                found[key].append((time.thread_time_ns() - started) / 1000)
    least = {key: float(np.percentile(times, 10)) for key, times in found.items()}
    short, long = LENGTHS
    real, integer = ((least[kind, long] - least[kind, short]) / (long - short) for kind in (False, True))
    return real, integer


def main() -> None:
    """Print a line a layer."""
    print("| channels | side | window | groups | float32 us | estimate | int8 us | estimate |")
    print("|---|---|---|---|---|---|---|---|")
    ratios: dict[str, list[float]] = {"float32": [], "int8": []}
    for channels in CHANNELS:
        for side in SIDES:
            for window, groups in ((1, 1), (3, 1), (5, 1), (3, channels), (5, channels)):
                if channels**2 // groups * side**2 * window**2 > LARGEST:
                    continue
                real, integer = layer_us(channels, side, window, groups)
                node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[window // 2] * 4, group=groups)
                image = (channels, side, side)
                cost = kernel_cost(node, {"x": image, "y": image, "w": (channels, channels // groups, window, window)})
                print(
                    f"| {channels} | {side} | {window} | {groups} | {real:.2f} | {cost.real:.2f} "
                    f"| {integer:.2f} | {cost.integer:.2f} |",
                    flush=True,
                )
                ratios["float32"].append(cost.real / max(real, 0.1))
                ratios["int8"].append((cost.integer or 0.0) / max(integer, 0.1))
    for kind, found in ratios.items():
        shares = ", ".join(f"{share:.2f}" for share in np.percentile(found, [5, 25, 50, 75, 95]))
        print(f"{kind}: estimate over measurement, percentiles 5, 25, 50, 75, 95: {shares}")


if __name__ == "__main__":
    main()
