"""Times int8 files of networks that people have against float32, and against ONNX Runtime's own static quantization.

Each network is written in float32 and, by ``ptq`` at 8 bits, in int8, as a trial writes it; ONNX Runtime quantizes the
float32 file (QDQ, a scale a channel, uint8 activations). All files run in turns on one thread, a burst each, and what
counts is the median over the rounds of the ratio within a round, of the least CPU time of a burst. Weights are random:
speed does not depend on them. ``tutorial`` is the network of PyTorch's tutorial, which calls F.relu; ``styles`` times a
residual network written in functions against the same one written in modules.

Usage: python benchmarks/int8_speed.py [32,64] [NETWORK…]
"""

import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.nn import functional

from automl.core.image import ImageShape, Normalization
from automl.export.onnx_writer import export_onnx
from automl.export.paying import paying
from automl.network.folding import fold_batch_norm
from automl.network.operators import Sum
from automl.registry import technique_class
from automl.technique import Profile, Quantizer
from automl.testing.context import context

TORCHVISION = (
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "regnet_y_400mf",
    "resnet18",
    "googlenet",
)
NORMALIZATION = Normalization.from_statistics(120.0, 64.0)
CLASSES = 10
ROUNDS = 60
BURST = 4
INTEGER = {"QLinearConv", "QGemm", "QLinearMatMul"}
REAL = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul"}


class Tutorial(nn.Module):
    """https://docs.pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html, for images of any size."""

    def __init__(self, size: int) -> None:
        super().__init__()
        side = ((size - 4) // 2 - 4) // 2
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * side * side, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        values = self.pool(functional.relu(self.conv1(images)))
        values = torch.flatten(self.pool(functional.relu(self.conv2(values))), 1)
        logits: Tensor = self.fc3(functional.relu(self.fc2(functional.relu(self.fc1(values)))))
        return logits


class InModules(nn.Module):
    """Four residual blocks, each operator a module."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.act = nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()
        self.layers = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(8))
        self.acts = nn.ModuleList(nn.ReLU() for _ in range(8))
        self.sums = nn.ModuleList(Sum() for _ in range(4))
        self.pool, self.flatten, self.fc = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        values = self.act(self.stem(images))
        for block, add in enumerate(self.sums):
            inner = self.layers[2 * block + 1](self.acts[2 * block](self.layers[2 * block](values)))
            values = self.acts[2 * block + 1](add(inner, values))
        logits: Tensor = self.fc(self.flatten(self.pool(values)))
        return logits


class InFunctions(InModules):
    """The same, with F.relu, x + y and a mean."""

    def forward(self, images: Tensor) -> Tensor:
        """Map images to logits."""
        values = functional.relu(self.stem(images))
        for block in range(len(self.sums)):
            inner = self.layers[2 * block + 1](functional.relu(self.layers[2 * block](values)))
            values = functional.relu(inner + values)
        logits: Tensor = self.fc(values.mean((2, 3)))
        return logits


class _Images(CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime has no types
    def __init__(self, name: str, images: np.ndarray) -> None:
        self._left: Iterator[dict[str, np.ndarray]] = iter({name: image[np.newaxis]} for image in images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Give the next image, in the form that ONNX Runtime asks for."""
        return next(self._left, None)


def network(name: str, size: int) -> nn.Module:
    """Build an untrained network by its name."""
    torch.manual_seed(0)
    own = {"tutorial": lambda: Tutorial(size), "modules": InModules, "functions": InFunctions}
    if name in own:
        return own[name]().eval()
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    made: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options).eval()
    return made


def write(name: str, size: int, folder: Path, images: np.ndarray) -> dict[str, Path]:
    """Write the float32 file and our int8 file of a network."""
    shape, model = ImageShape(3, size, size), network(name, size)
    inputs = (torch.from_numpy(images).float() - NORMALIZATION.zero_point) * NORMALIZATION.scale
    paths = {kind: folder / f"{name}-{kind}.onnx" for kind in ("float32", "int8")}
    folded = fold_batch_norm(model, inputs)
    export_onnx(folded, paths["float32"], image_shape=shape, normalization=NORMALIZATION, quantization=None)
    ptq = technique_class("ptq")()
    if not isinstance(ptq, Quantizer):
        raise TypeError(ptq)
    given = replace(context(), image_shape=shape, calibration=inputs)
    result, quantization = ptq.quantize(ptq.prepared(model, inputs), Profile(level=8, high=8), given)
    quantization = paying(result, quantization, shape)
    export_onnx(result, paths["int8"], image_shape=shape, normalization=NORMALIZATION, quantization=quantization)
    return paths


def quantized_by_onnxruntime(source: Path, images: np.ndarray) -> Path:
    """Quantize a float32 file as ONNX Runtime's documentation says."""
    prepared, target = source.with_suffix(".prepared"), source.with_name(f"{source.stem}-ort.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    reader = _Images(onnx.load(source).graph.input[0].name, images)
    quantize_static(
        str(prepared),
        str(target),
        reader,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def layers(path: Path) -> str:
    """Count the layers that run in int8 and in float in the graph that the runtime makes of a file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(path.with_suffix(".optimized"))
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    return f"{sum(kinds[kind] for kind in INTEGER)} / {sum(kinds[kind] for kind in REAL)}"


def timed(files: dict[str, Path], image: np.ndarray) -> dict[str, list[float]]:
    """Give the milliseconds of each file, one a round."""
    sessions = {}
    for kind, path in files.items():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        sessions[kind] = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: dict[str, list[float]] = {kind: [] for kind in files}
    for _ in range(ROUNDS):
        for kind, session in sessions.items():
            feed = {session.get_inputs()[0].name: image}
            session.run(None, feed)
            found[kind].append(min(_run_ms(session, feed) for _ in range(BURST)))
    return found


def _run_ms(session: onnxruntime.InferenceSession, feed: dict[str, np.ndarray]) -> float:
    started = time.thread_time_ns()
    session.run(None, feed)
    return (time.thread_time_ns() - started) / 1e6


def ratio(over: list[float], under: list[float]) -> str:
    """Give the median ratio of two files, round by round, and half the range between its quartiles."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    low, high = np.percentile(ratios, [25, 75])
    return f"{median(ratios):.2f} ± {(high - low) / 2:.2f}"


def images_of(size: int) -> np.ndarray:
    """Draw images of coarse patterns with noise."""
    random = np.random.default_rng(0)
    patterns = random.integers(40, 215, (32, 3, 4, 4)).repeat(size // 4, 2).repeat(size // 4, 3)
    drawn: np.ndarray = (patterns + random.normal(0, 20, patterns.shape)).clip(0, 255).astype(np.uint8)
    return drawn


def main(sizes: list[int], names: list[str]) -> None:
    """Print a line a network and size."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    print("| network | size | int8 / float layers | float32 ms | int8 ms | speed | of onnxruntime's own | ours to it |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        images = images_of(size)
        for name in names:
            with tempfile.TemporaryDirectory() as scratch:
                files = write(name, size, Path(scratch), images)
                files["ort"] = quantized_by_onnxruntime(files["float32"], images)
                counted, found = layers(files["int8"]), timed(files, images[:1])
            float32, int8, ort = found["float32"], found["int8"], found["ort"]
            print(
                f"| {name} | {size} | {counted} | {min(float32):.3f} | {min(int8):.3f} | {ratio(float32, int8)} "
                f"| {ratio(float32, ort)} | {ratio(ort, int8)} |",
                flush=True,
            )
        with tempfile.TemporaryDirectory() as scratch:
            files = {style: write(style, size, Path(scratch), images)["int8"] for style in ("modules", "functions")}
            found = timed(files, images[:1])
        print(
            f"\nfunctions to modules at {size}: {ratio(found['functions'], found['modules'])} of the time\n", flush=True
        )


if __name__ == "__main__":
    main(
        [int(size) for size in (sys.argv[1] if len(sys.argv) > 1 else "32,64").split(",")],
        sys.argv[2:] or [*TORCHVISION, "tutorial"],
    )
