"""Writes a deployed network for OpenVINO."""

import re
from pathlib import Path

import onnx

from automl.core.distribution import install_line
from automl.errors import ConversionError, UsageError
from automl.export.native_codes import with_native_codes

_BETWEEN_TAGS = re.compile(rb">\s+<")


def write_openvino(model: bytes, folder: Path) -> list[Path]:
    """Write ``model.xml`` and ``model.bin``, OpenVINO's intermediate representation.

    Weights of at most 4 bits are stored in 4, others in 8; int8 kernels run them. Equal networks give equal files.

    Args:
        model: The content of an ONNX file from uint8 images to logits.
        folder: It must exist.

    Raises:
        UsageError: If openvino is not installed.
        ConversionError: If OpenVINO cannot read the network.
    """
    try:
        import openvino
    except ImportError as error:
        raise UsageError(f"OpenVINO is not installed; {install_line('openvino')}") from error
    native = with_native_codes(onnx.load_from_string(model))
    xml = folder / "model.xml"
    try:
        network = openvino.Core().read_model(native.SerializeToString())
    except RuntimeError as error:
        reason = " ".join(line for line in str(error).splitlines() if not line.startswith("Exception from")).strip()
        raise ConversionError(f"OpenVINO cannot read the network: {reason}; deploy model.onnx") from error
    for number, node in enumerate(network.get_ordered_ops()):  # else named by what this process read before
        node.set_friendly_name(str(number))
    openvino.save_model(network, xml, compress_to_fp16=False)
    xml.write_bytes(_BETWEEN_TAGS.sub(b"><", xml.read_bytes()))  # of a small network, most bytes are indentation
    return [xml, xml.with_suffix(".bin")]
