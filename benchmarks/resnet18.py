"""Times ResNet-18 (CIFAR stem) as automl deploys it, each file against the float32 one in the same run.

Neither size nor latency depends on what the weights are, so the images are noise and the training is a few steps.
Files are measured in turns, three rounds; a ratio is the median of the rounds'.

Usage: python benchmarks/resnet18.py
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from one_trial import noise_dataset, run_one

from automl.measure.latency import LatencyMeter

NETWORK = """
architecture: {resnet: {stem: cifar, stages: 4, blocks: 2, width: 64}}
training: {epochs: 1, batch_size: 32, max_train_images: 64}
"""
HALF = "pruner: {l1_norm: {recovery_epochs: 0}}\nsparsity: {level: 0.5, slope: 0}\n"
ROUNDS = 3


def quantized(bits: int) -> str:
    """Ask for weights of so many bits, with ranges from calibration."""
    return f"quantizer: {{ptq: {{calibration_images: 32}}}}\nweight_bits: {{level: {bits}, slope: 0}}\n"


CASES = {
    "float32": "",
    **{f"int8, weights of {bits} bits": quantized(bits) for bits in range(8, 1, -1)},
    "half the channels, float32": HALF,
    "half the channels, int8": HALF + quantized(8),
    "half the channels, int8, weights of 4 bits": HALF + quantized(4),
}


def main() -> None:
    """Print a line a file."""
    torch.set_num_threads(1)
    dataset, meter = noise_dataset(), LatencyMeter()
    image = dataset.validation.images[:1]
    with tempfile.TemporaryDirectory() as root:
        files: list[Path] = []
        for number, (case, compression) in enumerate(CASES.items()):
            made = run_one(NETWORK + compression, dataset, Path(root), name=f"case-{number}", meter=meter)
            if made.path is None:
                raise SystemExit(f"{case}: {made.trial.state}: {made.trial.error}\n{made.trial.error_traceback}")
            files.append(made.path)
        sizes = [file.stat().st_size for file in files]
        latency_ms = np.array([[meter.measure(file, images=image).latency_ms for file in files] for _ in range(ROUNDS)])
    speedup = np.median(latency_ms[:, :1] / latency_ms, axis=0)
    of_int8 = np.median(latency_ms[:, 1:2] / latency_ms, axis=0)
    print("| file | MB | smaller by | ms | faster by | speed of int8 |\n|---|---|---|---|---|---|")
    for index, case in enumerate(CASES):
        print(
            f"| {case} | {sizes[index] / 1e6:.2f} | {sizes[0] / sizes[index]:.1f}x "
            f"| {np.median(latency_ms[:, index]):.2f} | {speedup[index]:.2f}x | {of_int8[index]:.2f} |"
        )


if __name__ == "__main__":
    main()
