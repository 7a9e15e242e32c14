"""Times each int8 file of a study against the same network in float32.

The float32 network is the file itself without its rounding: every pair of QuantizeLinear and DequantizeLinear on an
activation is taken out, and the weights are stored as the float32 values that they stand for.

Usage: automl search SPACE --keep-artifacts all && python benchmarks/int8_study_speed.py trials/SPACE
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import numpy_helper

from automl.measure.latency import LatencyMeter
from automl.onnx_session import open_session


def float_twin(path: Path, image: np.ndarray) -> onnx.ModelProto | None:
    """Take the rounding out of a quantized file; None where there is none."""
    model = onnx.load(path)
    producers = {output: node for node in model.graph.node for output in node.output}
    rounded = {
        node.output[0]: producers[node.input[0]].input[0]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
        and node.input[0] in producers
        and producers[node.input[0]].op_type == "QuantizeLinear"
    }
    if not rounded:
        return None
    inputs = {value.name for value in model.graph.input}
    stored = [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.output[0] not in rounded and node.input[0] not in inputs
    ]
    weights = _values(model, stored, image)
    for node in model.graph.node:
        node.input[:] = [rounded.get(name, name) for name in node.input]
    model.graph.initializer.extend(numpy_helper.from_array(weights[name], name) for name in stored)
    _keep_needed_nodes(model, set(stored))
    return model


def _values(model: onnx.ModelProto, names: list[str], image: np.ndarray) -> dict[str, np.ndarray]:
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = open_session(probe.SerializeToString())
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: image}), strict=True))


def _keep_needed_nodes(model: onnx.ModelProto, given: set[str]) -> None:
    needed = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if needed & set(node.output) - given:
            kept.append(node)
            needed |= set(node.input)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    used = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(used)


def main(study: Path) -> None:
    """Print a line a trial and the median ratio."""
    rows = pd.concat(map(pd.read_parquet, study.glob("**/*.parquet"))).sort_values("number")
    meter = LatencyMeter()
    ratios = []
    print("| trial | float32 ms | int8 ms | int8 is faster by |")
    print("|---|---|---|---|")
    for _, row in rows[rows["artifact"].notna()].iterrows():
        path = study / row["artifact"] / "model.onnx"
        shape = [dimension.dim_value for dimension in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
        image = np.random.default_rng(0).integers(0, 256, [1, *shape[1:]], dtype=np.uint8)
        twin = float_twin(path, image)
        if twin is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            twin_path = Path(folder) / "float32.onnx"
            onnx.save(twin, twin_path)
            float_ms = meter.measure(twin_path, images=image).latency_ms
            int8_ms = meter.measure(path, images=image).latency_ms
        ratios.append(float_ms / int8_ms)
        label = f"{row['number']} ({row.get('param.conv_net.activation', '')})"
        print(f"| {label} | {float_ms:.4f} | {int8_ms:.4f} | {ratios[-1]:.2f}x |")
    if ratios:
        print(f"\nmedian {np.median(ratios):.2f}x, best {max(ratios):.2f}x, of {len(ratios)} int8 files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
