"""Opens a deployed file the way its user would: ONNX Runtime with a stated number of threads."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _native

from automl.errors import MeasureError, UsageError

_FATAL_ONLY = 4  # an error is raised, with its reason
_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"

RUNTIME_REFUSALS: tuple[type[Exception], ...] = (
    _native.Fail,
    _native.InvalidArgument,
    _native.InvalidGraph,
    _native.InvalidProtobuf,
    _native.NotImplemented,
    _native.RuntimeException,
)
"""What ONNX Runtime raises where it cannot load or run a file; they have no base class of their own."""


def open_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a file, or the bytes of one, on the processor, with all optimisations of the runtime.

    With one thread, all work of ``run`` happens on the thread that calls it.

    Raises:
        MeasureError: If the runtime cannot load it.
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
    options.log_severity_level = _FATAL_ONLY
    try:
        return onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=on)
    except RUNTIME_REFUSALS as error:
        raise MeasureError(f"ONNX Runtime cannot load the file: {refusal(error)}") from error


def refusal(error: Exception) -> str:
    """Give the reason of ONNX Runtime's own error, a line."""
    return " ".join(str(error).split())
