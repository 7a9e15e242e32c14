"""Measures the latency of one file thirty times: as the machine is, while every core trains, and between trials.

Spread is the standard deviation of all thirty over their mean; bias, how much higher those under load, and those of a
process that trained a network before each, lie than the first ten. The last column is what one of the latter takes,
seen from the trial that waits for it.

Usage: python benchmarks/latency_spread.py, on a machine that runs nothing else
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
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
TRAINED = """
architecture: {resnet: {stem: cifar, stages: 3, blocks: 1, width: WIDTH}}
training: {epochs: 1, batch_size: 64, max_train_images: 256}
"""
WIDTHS = (16, 32, 48, 64)
MEASUREMENTS = 10


def train_for_ever() -> None:
    """Keep one core busy the way a trial does."""
    torch.set_num_threads(1)
    layer, images = torch.nn.Conv2d(32, 32, 3, padding=1), torch.randn(16, 32, 32, 32)
    while True:
        layer.zero_grad()
        layer(images).square().mean().backward()


def measure(
    meter: LatencyMeter, path: Path, image: np.ndarray, between: Callable[[int], object] = int
) -> tuple[np.ndarray, float]:
    """Take ten figures, in milliseconds; and say what one takes, in seconds."""
    found, seconds = [], 0.0
    for number in range(MEASUREMENTS):
        between(number)
        start = time.perf_counter()
        found.append(meter.measure(path, images=image).latency_ms)
        seconds += time.perf_counter() - start
    return np.array(found), seconds / MEASUREMENTS


def main() -> None:
    """Print a line a file."""
    torch.set_num_threads(1)
    dataset, meter = noise_dataset(), LatencyMeter()
    image = dataset.validation.images[:1]
    print("| file | quiet ms | loaded ms | trained ms | spread | range | bias loaded | bias trained | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:

        def train(number: int) -> None:
            text = TRAINED.replace("WIDTH", str(WIDTHS[number % len(WIDTHS)]))
            with tempfile.TemporaryDirectory() as other:
                run_one(text, dataset, Path(other), name="trained", meter=meter)

        files = {
            name: run_one(NETWORK + compression, dataset, Path(root), name=f"file-{number}", meter=meter).path
            for number, (name, compression) in enumerate(FILES.items())
        }
        quiet: dict[str, np.ndarray] = {}
        for name, path in files.items():  # before this process trains much
            if path is None:
                raise SystemExit(f"{name} could not be made")
            quiet[name], _ = measure(meter, path, image)
        for name, path in files.items():
            load = [
                multiprocessing.get_context("spawn").Process(target=train_for_ever, daemon=True)
                for _ in range(os.cpu_count() or 1)
            ]
            for process in load:
                process.start()
            loaded, _ = measure(meter, path, image)
            for process in load:
                process.terminate()
                process.join()
            trained, seconds = measure(meter, path, image, train)
            every = np.concatenate([quiet[name], loaded, trained])
            spread, reach = every.std() / every.mean(), (every.max() - every.min()) / every.mean()
            means = " | ".join(f"{some.mean():.4f}" for some in (quiet[name], loaded, trained))
            biases = " | ".join(f"{100 * (some.mean() / quiet[name].mean() - 1):+.1f} %" for some in (loaded, trained))
            print(f"| {name} | {means} | {100 * spread:.1f} % | {100 * reach:.1f} % | {biases} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
