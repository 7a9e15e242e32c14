"""Measurements happen in a process that only measures, and that nothing outlives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from automl.core.target import ONE_THREAD
from automl.errors import ConversionError, MeasureError
from automl.measure.measuring_process import MeasuringProcess

IMAGES = np.zeros((1, 3, 4, 4), np.uint8)

MEASURE_AND_DIE = """
import os, signal, sys
from pathlib import Path
import numpy as np
from automl.core.target import ONE_THREAD
from automl.measure.measuring_process import MeasuringProcess
process = MeasuringProcess(Path(sys.argv[1]))
process.measure(Path(sys.argv[2]), np.zeros((1, 3, 4, 4), np.uint8), ONE_THREAD)
print(process._running._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A network that only reshapes."""
    path = tmp_path_factory.mktemp("network") / "model.onnx"
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["x"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, 4, 4])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 48])
    graph = helper.make_graph(nodes, "g", [image], [logits])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def process(tmp_path_factory) -> MeasuringProcess:
    return MeasuringProcess(tmp_path_factory.mktemp("state"))


def pid_of(process: MeasuringProcess) -> int:
    return process._running._process.pid


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say what a process has loaded")
def test_it_has_loaded_no_torch(process, path):
    process.measure(path, IMAGES, ONE_THREAD)
    assert "libtorch" in Path(f"/proc/{os.getpid()}/maps").read_text(), torch.__version__
    assert "libtorch" not in Path(f"/proc/{pid_of(process)}/maps").read_text()


def test_one_process_serves_all_measurements(process, path):
    pids = {process.measure(path, IMAGES, ONE_THREAD) and pid_of(process) for _ in range(2)}
    assert len(pids) == 1


def test_what_cannot_be_measured_is_an_error_here_and_harms_no_other(process, path, tmp_path):
    process.measure(path, IMAGES, ONE_THREAD)
    before = pid_of(process)
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(MeasureError, match="INVALID_PROTOBUF"):
        process.measure(torn, IMAGES, ONE_THREAD)
    with pytest.raises(ConversionError, match="OpenVINO cannot run"):
        process.measure(torn, IMAGES, ONE_THREAD.model_copy(update={"device": "openvino"}))
    assert process.measure(path, IMAGES, ONE_THREAD).latency_ms > 0
    assert pid_of(process) == before


def test_a_process_that_dies_is_an_error_and_is_replaced(process, path):
    process.measure(path, IMAGES, ONE_THREAD)
    killed = pid_of(process)
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(MeasureError, match=r"ended by signal 9 while it ran model.onnx for target cpu:1"):
        process.measure(path, IMAGES, ONE_THREAD)
    assert process.measure(path, IMAGES, ONE_THREAD).latency_ms > 0
    assert pid_of(process) != killed


def test_an_interrupted_question_leaves_no_answer_for_the_next(process, path, monkeypatch):
    process.measure(path, IMAGES, ONE_THREAD)

    def interrupt(*_question):
        raise KeyboardInterrupt

    monkeypatch.setattr(process._running, "ask", interrupt)
    before = pid_of(process)
    with pytest.raises(KeyboardInterrupt):
        process.measure(path, IMAGES, ONE_THREAD)
    assert not is_alive(before)
    assert process.measure(path, IMAGES, ONE_THREAD).latency_ms > 0


def test_it_ends_with_the_process_that_started_it(path, tmp_path):
    command = [sys.executable, "-c", MEASURE_AND_DIE, str(tmp_path), str(path)]
    died = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert died.returncode == -signal.SIGKILL
    pid, end = int(died.stdout), time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_alive(pid)


def test_it_ends_with_its_meter(path, tmp_path):
    own = MeasuringProcess(tmp_path)
    own.measure(path, IMAGES, ONE_THREAD)
    pid = pid_of(own)
    del own
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
