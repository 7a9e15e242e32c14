"""Opens what was written for OpenVINO the way its user would: on the processor, with a stated number of threads."""

from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.distribution import install_line
from automl.errors import ConversionError, UsageError

if TYPE_CHECKING:  # an extra
    import openvino


def compile_for_openvino(model: Path | bytes, *, threads: int = 1) -> "openvino.CompiledModel":
    """Load a file, or the bytes of one, for OpenVINO's CPU plugin.

    With one thread, all work of a call happens on the thread that calls.

    Raises:
        UsageError: If openvino is not installed, or takes fewer threads on this host.
        ConversionError: If OpenVINO cannot run the network.
    """
    try:
        import openvino
    except ImportError as error:
        raise UsageError(f"OpenVINO is not installed; {install_line('openvino')}") from error
    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # its default is bfloat16 where the processor has that
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # all processes of a host would meet on its first processors
    }
    try:
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
    except RuntimeError as error:
        reason = " ".join(line for line in str(error).splitlines() if not line.startswith("Exception from")).strip()
        raise ConversionError(f"OpenVINO cannot run the network: {reason}; deploy model.onnx") from error
    taken = compiled.get_property("INFERENCE_NUM_THREADS")
    if taken != threads:
        raise UsageError(f"OpenVINO takes {taken} threads on this host, not {threads}; give --target openvino:{taken}")
    return compiled
