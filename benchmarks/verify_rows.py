"""Checks rows of a digits study against their files, importing nothing of automl.

Usage: automl search --budget 100 --keep-artifacts all && python benchmarks/verify_rows.py trials/digits
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.datasets import load_digits

TRIALS = 5
POINTS = 0.1


def validation_split() -> tuple[np.ndarray, np.ndarray]:
    """Repeat the documented split: of one permutation, the second fifth of each class is for validation."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    fifths = {label: round(np.sum(digits.target == label) / 5) for label in np.unique(digits.target)}
    seen = dict.fromkeys(fifths, 0)
    chosen = []
    for index in order:
        label = digits.target[index]
        if fifths[label] <= seen[label] < 2 * fifths[label]:
            chosen.append(index)
        seen[label] += 1
    pixels = np.round(digits.images[chosen] * 255 / 16).astype(np.uint8)[:, None]
    return pixels, digits.target[chosen]


def main(study: Path) -> int:
    """Compare five rows, spread over the study, and say whether all agree."""
    rows = pd.concat(map(pd.read_parquet, study.glob("**/*.parquet"))).sort_values("number")
    rows = rows[rows["artifact"].notna()]
    images, labels = validation_split()
    agree = True
    for index in np.linspace(0, len(rows) - 1, TRIALS).round().astype(int):
        row = rows.iloc[index]
        file = study / row["artifact"] / "model.onnx"
        (logits,) = onnxruntime.InferenceSession(file).run(None, {"image": images})
        accuracy = float((logits.argmax(axis=1) == labels).mean())
        size_bytes = file.stat().st_size
        agrees = size_bytes == row["metric.size_bytes"] and abs(accuracy - row["metric.accuracy"]) * 100 <= POINTS
        agree &= bool(agrees)
        print(
            f"trial {row['number']:3d}  bytes {size_bytes:7d} (row {row['metric.size_bytes']:7.0f})  "
            f"accuracy {accuracy:.4f} (row {row['metric.accuracy']:.4f})  {'agrees' if agrees else 'DIFFERS'}"
        )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
