"""Writes a deployed network for ExecuTorch on phones, with XNNPACK's kernels, and runs what was written."""

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from automl.core.distribution import install_line
from automl.errors import UsageError
from automl.export.torch_replay import replay


def write_executorch(model: bytes, folder: Path) -> list[Path]:
    """Write ``model.pte``, which takes one image a call.

    Codes of weights take a byte each, whatever their width; layers whose output is not quantized, as the last one,
    have float32 weights.

    Args:
        model: The content of an ONNX file from uint8 images to logits.
        folder: It must exist.

    Raises:
        UsageError: If executorch is not installed.
        ConversionError: If the network has an operator that cannot be converted.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
    except ImportError as error:
        raise UsageError(f"ExecuTorch is not installed; {install_line('executorch')}") from error
    graph = onnx.load_from_string(model)
    shape = [dimension.dim_value for dimension in graph.graph.input[0].type.tensor_type.shape.dim[1:]]
    program = torch.export.export(replay(graph), (torch.zeros(1, *shape, dtype=torch.uint8),))
    lowered = to_edge_transform_and_lower(
        program,
        partitioner=[XnnpackPartitioner()],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),  # it knows no operators of quantization
    )
    path = folder / "model.pte"
    path.write_bytes(lowered.to_executorch().buffer)
    return [path]


def run_executorch(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the logits, shape (N, classes), for images of the shape (N, C, H, W)."""
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(path).load_method("forward")
    pixels = torch.from_numpy(images)
    # Outputs share one buffer, so each is copied before the next run.
    return np.stack([method.execute([pixels[index : index + 1]])[0][0].clone().numpy() for index in range(len(pixels))])
