"""Opens a deployed file the way its user would: ONNX Runtime on the CPU, with a stated number of threads."""

from pathlib import Path

import onnxruntime

_ERRORS_ONLY = 3


def open_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a file, or the bytes of one, with all optimisations of the runtime.

    With one thread, all work of ``run`` happens on the thread that calls it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def providers() -> list[str]:
    """Name what this installation of ONNX Runtime can run on, without the word they all end in."""
    return [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
