"""Writes a deployed network for OpenVINO, and runs what was written."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from automl.errors import UsageError
from automl.export.native_codes import with_native_codes

_WITHOUT_ROUNDING = {"INFERENCE_PRECISION_HINT": "f32"}  # its default is bfloat16 where the processor has that
_BATCH_SIZE = 250


def write_openvino(model: bytes, folder: Path) -> list[Path]:
    """Write ``model.xml`` and ``model.bin``, OpenVINO's intermediate representation.

    Weights of at most 4 bits are stored in 4, others in 8; int8 kernels run them.

    Args:
        model: The content of an ONNX file from uint8 images to logits.
        folder: It must exist.

    Raises:
        UsageError: If openvino is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise UsageError("OpenVINO is not installed; pip install 'automl[openvino]'") from error
    native = with_native_codes(onnx.load_from_string(model))
    xml = folder / "model.xml"
    core = openvino.Core()
    openvino.save_model(core.read_model(native.SerializeToString()), xml, compress_to_fp16=False)
    return [xml, xml.with_suffix(".bin")]


def run_openvino(xml: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the logits, shape (N, classes), for images of the shape (N, C, H, W)."""
    import openvino

    compiled = openvino.Core().compile_model(xml, "CPU", _WITHOUT_ROUNDING)
    starts = range(0, len(images), _BATCH_SIZE)
    return np.concatenate([compiled(images[start : start + _BATCH_SIZE])[0] for start in starts])
