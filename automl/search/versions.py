"""Versions of what decides a trial's result."""

import platform
from importlib.metadata import version

_LIBRARIES = ("automl", "torch", "nni", "optuna", "ray", "onnx", "onnxruntime", "numpy")


def library_versions() -> dict[str, str]:
    """Give the version of Python and of every library that a trial depends on."""
    return {"python": platform.python_version(), **{library: version(library) for library in _LIBRARIES}}
