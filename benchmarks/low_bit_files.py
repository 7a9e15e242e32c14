"""Checks that no file of a study stores real numbers where its row claims few bits, importing nothing of automl.

In a file of a quantizer of integers, each weight of a convolution or linear layer must come from stored integers alone;
the bytes of each type are counted.

Usage: automl search --keep-artifacts all && python benchmarks/low_bit_files.py trials/digits
"""

import sys
from collections import Counter
from pathlib import Path

import onnx
import pandas as pd
from onnx import TensorProto, helper

LAYERS = {"Conv", "Gemm", "MatMul"}
REAL = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
NOT_OF_INTEGERS = {"none", "float16"}


def sources(name: str, producers: dict[str, onnx.NodeProto], stored: dict[str, onnx.TensorProto]) -> set[str]:
    """Name the stored tensors from which a weight's codes are computed, its scales not counted."""
    if name in stored:
        return {name}
    node = producers[name]
    inputs = node.input[:1] if node.op_type == "DequantizeLinear" else node.input
    return set().union(*(sources(each, producers, stored) for each in inputs))


def check(path: Path) -> tuple[list[str], Counter[str]]:
    """Give what is wrong with a file, and its bytes by the type in which they are stored."""
    onnx.checker.check_model(str(path), full_check=True)
    graph = onnx.load(path).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    wrong = [
        f"the weight of {node.op_type} {node.output[0]} is stored as real numbers ({name})"
        for node in graph.node
        if node.op_type in LAYERS
        for name in sources(node.input[1], producers, stored)
        if stored[name].data_type in REAL
    ]
    by_type: Counter[str] = Counter()
    for tensor in stored.values():
        by_type[helper.tensor_dtype_to_string(tensor.data_type).removeprefix("TensorProto.")] += tensor.ByteSize()
    return wrong, by_type


def main(study: Path) -> int:
    """Print a line a quantized file, and say whether all are what they claim to be."""
    rows = pd.concat(map(pd.read_parquet, study.glob("**/*.parquet"))).sort_values("number")
    rows = rows[rows["artifact"].notna() & ~rows["param.quantizer"].isin(NOT_OF_INTEGERS)]
    failures = 0
    for _, row in rows.iterrows():
        wrong, by_type = check(study / row["artifact"] / "model.onnx")
        failures += bool(wrong)
        shares = ", ".join(f"{kind} {count}" for kind, count in by_type.most_common())
        print(f"trial {row['number']:3d}  {row['param.quantizer']:9}  {shares}  {'; '.join(wrong) or 'integers'}")
    print(f"{len(rows) - failures} of {len(rows)} quantized files store integers alone")
    return 1 if failures or rows.empty else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
