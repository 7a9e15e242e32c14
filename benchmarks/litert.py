"""Compares the LiteRT export of each architecture with ONNX Runtime: bytes, answers to 1,000 images, time of one.

Networks are trained for an epoch. Times are CPU time of one thread, of calls that alternate between both runtimes, so
that what else the machine does changes neither ratio.

Usage: python benchmarks/litert.py DATASET
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from one_trial import run_one

from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.onnx_session import open_session
from automl.pipeline.conversion import convert

ARCHITECTURES = {
    "conv_net": "conv_net: {depth: 3, width_1: 32, width_2: 64, width_3: 64, kernel: 3, activation: relu}",
    "conv_net, gelu": "conv_net: {depth: 3, width_1: 32, width_2: 64, width_3: 64, kernel: 3, activation: gelu}",
    "resnet": "resnet: {stages: 3, blocks: 3, width: 16}",
    "mobilenet_v2": "mobilenet_v2: {stages: 3, blocks: 2, width: 16, expansion: 4, kernel: 3}",
}
QUANTIZERS = {
    "float32": "quantizer: {none: }",
    "float16": "quantizer: {float16: }\nweight_bits: {level: 8, slope: 0}",
    "8 bits": "quantizer: {ptq: }\nweight_bits: {level: 8, slope: 0}",
    "4 bits": "quantizer: {ptq: }\nweight_bits: {level: 4, slope: 0}",
}
IMAGES = 1000
CALLS = 400


def main(dataset_spec: str) -> None:
    """Print a line a network."""
    torch.set_num_threads(1)
    dataset = load_dataset(dataset_spec)
    images = dataset.test.images[:IMAGES]
    print("| network | bytes | LiteRT bytes | same answer | logits apart | ONNX Runtime ms | LiteRT ms | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for architecture, layers in ARCHITECTURES.items():
        for quantizer, settings in QUANTIZERS.items():
            space = (
                f"architecture:\n  {layers}\npruner: {{none: }}\n{settings}\n"
                "training: {epochs: 1, batch_size: 64, learning_rate: 0.02, max_train_images: 1000}\n"
            )
            with tempfile.TemporaryDirectory() as root:
                made = run_one(space, dataset, Path(root), name="litert", meter=LatencyMeter())
                if made.path is None:
                    raise SystemExit(f"{architecture}, {quantizer}: {made.trial.error}\n{made.trial.error_traceback}")
                model = made.path.read_bytes()
            converted = convert(model, "litert", images=images, task=dataset.task)
            (content,) = converted.files.values()
            onnx_ms, litert_ms = _milliseconds(model, content, images[:1])
            found = converted.agreement
            print(
                f"| {architecture}, {quantizer} | {len(model):,} | {len(content):,} | {found.same_answers:.1%} "
                f"| {found.largest_difference:.2g} ({found.deviation:.2%}) "
                f"| {onnx_ms:.3f} | {litert_ms:.3f} | {onnx_ms / litert_ms:.2f} |",
                flush=True,
            )


def _milliseconds(model: bytes, content: bytes, image: NDArray[np.uint8]) -> tuple[float, float]:
    """Give the 25th percentiles of the CPU times of both, as latency is measured."""
    session = open_session(model)
    network = Interpreter(model_content=content, num_threads=1)
    network.allocate_tensors()
    pixels = np.ascontiguousarray(image.transpose(0, 2, 3, 1))
    source, target = (details[0]["index"] for details in (network.get_input_details(), network.get_output_details()))

    def run_litert() -> object:
        network.set_tensor(source, pixels)
        network.invoke()
        return network.get_tensor(target)

    runs: tuple[Callable[[], object], ...] = (lambda: session.run(None, {"image": image}), run_litert)
    times = np.empty((CALLS, 2))
    for call in times:
        for index, run in enumerate(runs):
            start = time.thread_time_ns()
            run()
            call[index] = (time.thread_time_ns() - start) / 1e6
    onnx_ms, litert_ms = np.percentile(times, 25, axis=0)
    return float(onnx_ms), float(litert_ms)


if __name__ == "__main__":
    main(sys.argv[1])
