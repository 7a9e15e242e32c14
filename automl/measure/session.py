"""Opens a deployed file the way its user would: ONNX Runtime with a stated number of threads."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import onnxruntime

from automl.errors import UsageError

_ERRORS_ONLY = 3
_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"


def open_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a file, or the bytes of one, on the processor, with all optimisations of the runtime.

    With one thread, all work of ``run`` happens on the thread that calls it.
    """
    return _open(model, threads, [_CPU])


def open_cuda_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a file on the GPU that the runtime sees first; ``run`` returns when the GPU is done.

    Raises:
        UsageError: If this installation cannot run on a GPU: the runtime itself would go on without one.
    """
    if _CUDA not in onnxruntime.get_available_providers():
        raise UsageError(
            f"this installation of ONNX Runtime runs on {', '.join(providers())}, not on CUDA; "
            "pip install onnxruntime-gpu"
        )
    with redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()  # CUDA's libraries lie where pip puts them, which the system does not search
    session = _open(model, threads, [_CUDA, _CPU])
    if _CUDA not in session.get_providers():
        raise UsageError(
            "ONNX Runtime was built for CUDA and could not start it: it needs a GPU, its driver, and CUDA's libraries "
            "of the version that it was built for; pip install 'onnxruntime-gpu[cuda,cudnn]'"
        )
    return session


def providers() -> list[str]:
    """Name what this installation of ONNX Runtime can run on, without the word they all end in."""
    return [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]


def _open(model: Path | bytes, threads: int, on: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=on)
