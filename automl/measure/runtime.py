"""Runs a deployed file in the runtime of a target."""

import tempfile
from pathlib import Path

from automl.core.target import Target
from automl.measure.plain_network import plain_network
from automl.measure.processor import gpu_name
from automl.measure.runtime_faults import answering_for
from automl.measure.targets import check_timed, runtime_of
from automl.runtime import ONNX_FILE, Network, Runtime


def open_network(path: Path, target: Target) -> Network:
    """Load a file as its user would; a call is what the user calls, the copies of images and logits included.

    Args:
        path: What the target's runtime is given, the first of its files.
        target: Runtime and threads.

    Raises:
        UsageError: If this host cannot run the target.
        ConversionError: If the runtime cannot run the network.
        MeasureError: If ONNX Runtime cannot load it; a call raises the same where it cannot run it.
    """
    return open_in(runtime_of(target), path, threads=target.threads)


def open_in(runtime: Runtime, path: Path, *, threads: int) -> Network:
    """Load a file in a runtime; see ``open_network``."""
    with answering_for(runtime, "open"):
        return runtime.open(path, threads=threads)


def check_target(target: Target) -> None:
    """Refuse a target that this host cannot run, by opening a small network there.

    Raises:
        UsageError: Saying what is missing.
        ConversionError: If the runtime fails at it.
    """
    runtime = runtime_of(target)
    check_timed(runtime)
    check_host(runtime, threads=target.threads)


def check_host(runtime: Runtime, *, threads: int = 1) -> None:
    """Refuse a runtime that this host has not, whether or not it can be timed; see ``check_target``."""
    with tempfile.TemporaryDirectory(prefix="automl-target-") as scratch:
        source = Path(scratch) / ONNX_FILE
        source.write_bytes(plain_network())
        if runtime.is_converted:
            with answering_for(runtime, "write"):
                runtime.write(source.read_bytes(), source.parent)
        open_in(runtime, source.with_name(runtime.files[0]), threads=threads)


def runtime_name(target: Target) -> str:
    """Name the runtime of a target, its versions and its GPU: what one was timed with says nothing of another."""
    runtime = runtime_of(target)
    versions = [f"{name} {version}" for name, version in runtime_versions(target).items()] or [runtime.name]
    return " ".join([*versions, gpu_name()] if runtime.needs_gpu else versions)


def runtime_versions(target: Target) -> dict[str, str]:
    """Give the versions that decide what the runtime of a target does.

    Raises:
        UsageError: If a distribution that it names is not installed.
    """
    runtime = runtime_of(target)
    with answering_for(runtime, "state its versions of"):
        return runtime.versions()
