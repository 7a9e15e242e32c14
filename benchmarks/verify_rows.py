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
    """Repeat the documented split: of one permutation, the second fifth is for validation."""
    digits = load_digits()
    fifth = len(digits.target) // 5
    chosen = np.random.default_rng(0).permutation(len(digits.target))[fifth : 2 * fifth]
    images = np.round(digits.images * 255 / 16).astype(np.uint8)[:, None]
    return images[chosen], digits.target[chosen]


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
