"""Measures the latency of one file twenty times, ten of them while every core trains, and says how far they differ.

Spread is the standard deviation of all twenty over their mean; bias, how much higher the loaded ones lie.

Usage: python benchmarks/latency_spread.py, on a machine that runs nothing else
"""

import multiprocessing
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from one_trial import noise_dataset, run_one

from automl.measure.latency import LatencyMeter

NETWORK = """
architecture: {resnet: {stem: cifar, stages: 3, blocks: 3, width: 16}}
training: {epochs: 1, batch_size: 32, max_train_images: 64}
"""
FILES = {"ResNet-20, float32": "", "ResNet-20, int8": "quantizer: {ptq: {}}\nweight_bits: {level: 8, slope: 0}\n"}
MEASUREMENTS = 10


def train_for_ever() -> None:
    """Keep one core busy the way a trial does."""
    torch.set_num_threads(1)
    layer, images = torch.nn.Conv2d(32, 32, 3, padding=1), torch.randn(16, 32, 32, 32)
    while True:
        layer.zero_grad()
        layer(images).square().mean().backward()


def measure(meter: LatencyMeter, path: Path, image: np.ndarray) -> np.ndarray:
    """Take ten figures, in milliseconds."""
    return np.array([meter.measure(path, images=image).latency_ms for _ in range(MEASUREMENTS)])


def main() -> None:
    """Print a line a file."""
    torch.set_num_threads(1)
    dataset, meter = noise_dataset(), LatencyMeter()
    image = dataset.validation.images[:1]
    print("| file | quiet ms | loaded ms | spread of all | range of all | bias |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        for number, (name, compression) in enumerate(FILES.items()):
            path = run_one(NETWORK + compression, dataset, Path(root), name=f"file-{number}", meter=meter).path
            if path is None:
                raise SystemExit(f"{name} could not be made")
            quiet = measure(meter, path, image)
            load = [
                multiprocessing.get_context("spawn").Process(target=train_for_ever, daemon=True)
                for _ in range(os.cpu_count() or 1)
            ]
            for process in load:
                process.start()
            loaded = measure(meter, path, image)
            for process in load:
                process.terminate()
                process.join()
            both = np.concatenate([quiet, loaded])
            spread, reach = both.std() / both.mean(), (both.max() - both.min()) / both.mean()
            bias = loaded.mean() / quiet.mean() - 1
            figures = f"{100 * spread:.1f} % | {100 * reach:.1f} % | {100 * bias:+.1f} %"
            print(f"| {name} | {quiet.mean():.4f} | {loaded.mean():.4f} | {figures} |")


if __name__ == "__main__":
    main()
