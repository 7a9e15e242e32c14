"""What a technique does to the process stays in its own trial."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from automl.errors import PluginError
from automl.pipeline.isolation import blamed, isolated
from automl.technique import Pruner


class Idle(Pruner):
    name = "idle"

    def prune(self, model, _sparsity, _context):
        return model


def settings():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_float32_matmul_precision(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(),
        np.geterr()["divide"],
        os.getcwd(),  # noqa: PTH109 # what os.chdir changes
    )


@pytest.mark.parametrize("fails", [False, True])
def test_global_settings_come_back(tmp_path, fails):
    before = settings()

    def change_everything():
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(before[2] + 1)
        torch.set_grad_enabled(False)
        torch.set_float32_matmul_precision("medium")
        torch.use_deterministic_algorithms(True)
        torch.autograd.set_detect_anomaly(True)
        np.seterr(divide="raise" if before[7] != "raise" else "ignore")
        os.chdir(tmp_path)
        if fails:
            raise RuntimeError

    try:
        with isolated():
            change_everything()
            assert not any(was == now for was, now in zip(before, settings(), strict=True))
    except RuntimeError:
        assert fails
    assert settings() == before


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt("out of ideas"), "KeyboardInterrupt: out of ideas"), (SystemExit(3), "SystemExit: 3")],
)
def test_a_technique_that_ends_the_process_fails_its_trial_by_name(error, reason):
    with pytest.raises(PluginError, match=rf"pruner 'idle' tried to end the process \({reason}\)"), blamed(Idle()):
        raise error


def test_a_technique_in_a_thread_is_blamed_too():
    found = []

    def run():
        try:
            with blamed(Idle()):
                raise KeyboardInterrupt
        except PluginError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(found) == 1


INTERRUPTED = """
import signal

from automl.pipeline.isolation import blamed
from automl.technique import Pruner


class Idle(Pruner):
    name = "idle"

    def prune(self, model, _sparsity, _context):
        return model


def somebody_elses(_number, _frame):
    raise KeyboardInterrupt


for handler in (signal.default_int_handler, somebody_elses):
    signal.signal(signal.SIGINT, handler)
    try:
        with blamed(Idle()):
            signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print(handler.__name__, signal.getsignal(signal.SIGINT) is handler)
"""


def test_ctrl_c_stays_ctrl_c_and_whoever_handled_it_still_does():
    """In a process of its own: an interrupt is no business of the one that runs the tests."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], check=True, capture_output=True, text=True)
    assert done.stdout == "default_int_handler True\nsomebody_elses True\n"


def test_other_errors_pass():
    with pytest.raises(ValueError, match="mine"), blamed(Idle()):
        raise ValueError("mine")
