"""Turns whatever a runtime raises into one line for the user who chose it."""

from collections.abc import Iterator
from contextlib import contextmanager

from automl.errors import AutomlError, ConversionError, UsageError
from automl.runtime import Runtime


@contextmanager
def answering_for(runtime: Runtime, deed: str) -> Iterator[None]:
    """Let a runtime do something.

    Args:
        runtime: Its own errors pass as they are.
        deed: What it does to a network, such as ``open``.

    Raises:
        UsageError: If what it needs is not installed, or cannot be imported.
        ConversionError: If it raises anything else.
    """
    try:
        yield
    except AutomlError:
        raise
    except ModuleNotFoundError as error:
        raise UsageError(f"{runtime.title} is not installed; {_remedy(runtime, error)}") from error
    except ImportError as error:
        raise UsageError(
            f"{runtime.title} cannot be imported: {_first_line(error)}; {_remedy(runtime, error)}"
        ) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {_first_line(error)}"
        raise ConversionError(f"{runtime.title} cannot {deed} the network: {reason}; deploy model.onnx") from error


def _remedy(runtime: Runtime, error: ImportError) -> str:
    return runtime.install or f"install {error.name or 'what it needs'}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
