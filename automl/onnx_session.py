"""Opens an ONNX file in ONNX Runtime the way its user would: with a stated number of threads, in one place."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _native

from automl.errors import MeasureError, UsageError

PROCESSOR = "CPUExecutionProvider"
"""ONNX Runtime's own kernels, on the processor."""

_FATAL_ONLY = 4  # an error is raised, with its reason

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
    return _open(model, threads, [PROCESSOR])


def open_provider_session(
    model: Path | bytes, provider: str, *, threads: int, install: str, needs: str
) -> onnxruntime.InferenceSession:
    """Load a file for one of ONNX Runtime's execution providers; ``run`` returns when the provider is done.

    Args:
        model: A file, or the bytes of one.
        provider: As ONNX Runtime names it.
        threads: For what stays on the processor.
        install: The command that installs an ONNX Runtime with this provider.
        needs: What the provider needs to start, and how to come by it.

    Raises:
        UsageError: If this installation cannot run there: the runtime itself would go on with the processor.
        MeasureError: If the runtime cannot load the file.
    """
    name = _short(provider)
    if provider not in onnxruntime.get_available_providers():
        raise UsageError(
            f"this installation of ONNX Runtime runs on {', '.join(providers())}, not on {name}; {install}"
        )
    with redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()  # CUDA's libraries lie where pip puts them, which the system does not search
    session = _open(model, threads, [provider, PROCESSOR])
    if provider not in session.get_providers():
        raise UsageError(f"ONNX Runtime was built for {name} and could not start it: {needs}")
    return session


def providers() -> list[str]:
    """Name what this installation of ONNX Runtime can run on, without the word they all end in."""
    return [_short(provider) for provider in onnxruntime.get_available_providers()]


def refusal(error: Exception) -> str:
    """Give the reason of ONNX Runtime's own error, a line."""
    return " ".join(str(error).split())


def _open(model: Path | bytes, threads: int, on: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    try:
        return onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=on)
    except RUNTIME_REFUSALS as error:
        raise MeasureError(f"ONNX Runtime cannot load the file: {refusal(error)}") from error


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider")
