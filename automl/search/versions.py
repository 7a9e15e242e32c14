"""Versions of what decides a trial's result."""

import platform
from importlib.metadata import version

from automl.core.distribution import VERSION
from automl.core.target import ONE_THREAD, Target
from automl.measure.runtime import runtime_versions

_LIBRARIES = ("torch", "nni", "optuna", "ray", "onnx", "onnxruntime", "numpy")


def library_versions(target: Target = ONE_THREAD) -> dict[str, str]:
    """Give the version of Python and of every library that a trial depends on.

    Args:
        target: What trials are measured for; its runtime must be installed.
    """
    own = {"python": platform.python_version(), "automl": VERSION}
    return {**own, **{library: version(library) for library in _LIBRARIES}, **runtime_versions(target)}
