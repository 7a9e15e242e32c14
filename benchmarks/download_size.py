"""Compares what is shipped with what generic coders make of the same file: a ResNet-20, dense and with zeros.

The network is trained for a few epochs, pruned by magnitude and put on min-max grids; each file is the artifact of a
trial. Ratios are to the float32 file. Then times packing, with a ResNet-18 of 11 million weights.

Usage: python benchmarks/download_size.py DATASET
"""

import lzma
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import torch
from one_trial import noise_dataset, run_one, study_of

from automl.datasets.load import load_dataset
from automl.export.packing import pack, unpack
from automl.measure.latency import LatencyMeter
from automl.pipeline.stage_cache import FolderCache
from automl.pipeline.trial_runner import MODEL_FILE, TrialRunner
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.storage.cache import CacheFolder
from automl.storage.store import TrialStore

SPACE = """
architecture: {resnet: {stem: cifar, stages: 3, blocks: 3, width: 16}}
training: {epochs: 3, batch_size: 64, learning_rate: 0.02, max_train_images: 3000}
pruner:
  none:
  level: {recovery_epochs: 1}
sparsity: {level: [0.5, 0.8, 0.9], slope: 0}
quantizer:
  none:
  float16:
  ptq: {calibration_images: 256}
weight_bits: {level: [2, 4, 8], slope: 0}
"""
DENSE = {"pruner": "none"}
FOUR_BITS = {"quantizer": "ptq", "weight_bits.level": 4}
CASES = {
    "float32": {**DENSE, "quantizer": "none"},
    "float16": {**DENSE, "quantizer": "float16", "weight_bits.level": 8},
    "8 bit": {**DENSE, "quantizer": "ptq", "weight_bits.level": 8},
    "4 bit": {**DENSE, **FOUR_BITS},
    "4 bit, 50 % zeros": {"pruner": "level", "sparsity.level": 0.5, **FOUR_BITS},
    "4 bit, 80 % zeros": {"pruner": "level", "sparsity.level": 0.8, **FOUR_BITS},
    "4 bit, 90 % zeros": {"pruner": "level", "sparsity.level": 0.9, **FOUR_BITS},
    "float32, 90 % zeros": {"pruner": "level", "sparsity.level": 0.9, "quantizer": "none"},
    "2 bit": {**DENSE, "quantizer": "ptq", "weight_bits.level": 2},
}
RESNET18 = """
architecture: {resnet: {stem: cifar, stages: 4, blocks: 2, width: 64}}
training: {epochs: 1, batch_size: 32, max_train_images: 64}
quantizer: {ptq: {calibration_images: 32}}
weight_bits: {level: 4, slope: 0}
"""


def files(dataset_spec: str, root: Path) -> dict[str, bytes]:
    """Run the trials; they share the training of the network."""
    dataset = load_dataset(dataset_spec)
    space = resolve_space("download-size", parse_located(SPACE, "download-size"))
    spec = study_of(space, dataset, name="download-size")
    cache = FolderCache(CacheFolder.at(str(root), limit_bytes=10**9))
    runner = TrialRunner(
        spec, dataset, TrialStore.create(str(root), spec), LatencyMeter(), torch.device("cpu"), cache=cache
    )
    found = {}
    for number, (case, point) in enumerate(CASES.items()):
        trial = runner.run(number, point)
        if trial.artifact is None:
            raise SystemExit(f"{case}: {trial.state}: {trial.error}\n{trial.error_traceback}")
        found[case] = (root / spec.name / trial.artifact / MODEL_FILE).read_bytes()
    return found


def main(dataset_spec: str) -> None:
    """Print a line a file, then the times."""
    torch.set_num_threads(1)
    zstd = pa.Codec("zstd", compression_level=19)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made = files(dataset_spec, root)
        whole_bytes = len(made["float32"])
        print("| file | size_bytes | download_bytes | lzma | zstd-19 | smaller: download | lzma | zstd-19 |")
        print("|---|---|---|---|---|---|---|---|")
        for case, model in made.items():
            packed = pack(model)
            if unpack(packed) != model:
                raise SystemExit(f"{case}: the packed file does not unpack to what was packed")
            coded = [len(packed), len(lzma.compress(model, preset=9)), len(zstd.compress(model))]
            ratios = " | ".join(f"{whole_bytes / size:.1f}x" for size in coded)
            print(f"| {case} | {len(model):,} | {' | '.join(f'{size:,}' for size in coded)} | {ratios} |")
        large = run_one(RESNET18, noise_dataset(), root, name="resnet18", meter=LatencyMeter()).path
        if large is None:
            raise SystemExit("ResNet-18 was not made")
        model = large.read_bytes()
    started = time.process_time()
    packed = pack(model)
    between = time.process_time()
    unpack(packed)
    ended = time.process_time()
    print(f"\nResNet-18, 4 bit: {len(model):,} to {len(packed):,} bytes,", end=" ")
    print(f"{between - started:.2f} s of CPU time to pack and {ended - between:.2f} s to unpack")


if __name__ == "__main__":
    main(sys.argv[1])
