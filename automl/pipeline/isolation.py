"""Keeps what one technique does to the process from the trials that the process runs after it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import numpy as np
import torch

from automl.errors import PluginError
from automl.technique import Technique


@contextmanager
def isolated() -> Iterator[None]:
    """Put the global settings of torch and numpy and the working directory back, whatever was done to them."""
    dtype, device, threads = torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    has_gradients, precision = torch.is_grad_enabled(), torch.get_float32_matmul_precision()
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    warns_only = torch.is_deterministic_algorithms_warn_only_enabled()
    finds_anomalies, folder = torch.is_anomaly_enabled(), Path.cwd()
    with np.errstate():
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_default_device(None if device == torch.device("cpu") else device)
            torch.set_num_threads(threads)
            torch.set_grad_enabled(has_gradients)
            torch.set_float32_matmul_precision(precision)
            torch.use_deterministic_algorithms(is_deterministic, warn_only=warns_only)
            torch.autograd.set_detect_anomaly(finds_anomalies)
            os.chdir(folder)


@contextmanager
def blamed(technique: Technique) -> Iterator[None]:
    """Let a technique that raises what ends a process fail its trial, under its name.

    A KeyboardInterrupt that a signal raised stays what it is.

    Raises:
        PluginError: In the place of the KeyboardInterrupt or SystemExit of the technique.
    """
    with _noting_interrupts() as interrupts:
        try:
            yield
        except (KeyboardInterrupt, SystemExit) as error:
            if isinstance(error, KeyboardInterrupt) and interrupts:
                raise
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise PluginError(
                f"{technique.stage} {technique.name!r} tried to end the process ({reason}); "
                "let it raise InfeasibleError, or an error of its own"
            ) from error


@contextmanager
def _noting_interrupts() -> Iterator[list[int]]:
    """Give a list that Ctrl-C fills while the context lasts; only the main thread is ever interrupted."""
    interrupts: list[int] = []
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not is_usual:
        if signal.getsignal(signal.SIGINT) not in {signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler}:
            interrupts.append(signal.SIGINT)  # somebody else's handler may raise KeyboardInterrupt at any time
        yield interrupts
        return

    def note(number: int, _frame: FrameType | None) -> NoReturn:
        interrupts.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
