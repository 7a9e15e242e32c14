import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from automl.core.target import Target
from automl.measure.host_lock import exclusive, pinned
from automl.measure.latency import LatencyMeter
from automl.measure.reference import Reference
from automl_plugins.metrics.latency_ms import figures

IMAGES = np.zeros((1, 3, 16, 16), np.uint8)

HOLD_LOCK = """
import sys, time
from pathlib import Path
from automl.core.target import Target
from automl.measure.host_lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def convolutions(path: Path, width: int) -> Path:
    random = np.random.default_rng(0)
    weights = [random.standard_normal((width, inputs, 3, 3), np.float32) for inputs in (3, width)]
    nodes = [
        helper.make_node("Cast", ["image"], ["x0"], to=TensorProto.FLOAT),
        *[helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(2)],
        helper.make_node("ReduceMean", ["x2", "axes"], ["logits"], keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, 16, 16])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", width])
    tensors = [numpy_helper.from_array(weight, f"w{i}") for i, weight in enumerate(weights)]
    tensors.append(numpy_helper.from_array(np.array([2, 3]), "axes"))
    graph = helper.make_graph(nodes, "g", [image], [logits], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def test_wider_network_takes_longer(state_dir: Path, tmp_path: Path) -> None:
    meter = LatencyMeter(state_dir=state_dir)
    narrow = meter.measure(convolutions(tmp_path / "narrow.onnx", 16), images=IMAGES)
    wide = meter.measure(convolutions(tmp_path / "wide.onnx", 64), images=IMAGES)
    assert wide.latency_ms > 2 * narrow.latency_ms
    assert wide.reference_ratio > 2 * narrow.reference_ratio
    for latency in (narrow, wide):
        assert latency.low_ms <= latency.latency_ms <= latency.high_ms
        assert latency.wall_p50_ms <= latency.wall_p95_ms
        assert latency.target == Target(threads=1, batch=1)
        assert latency.measure_seconds < 8


def test_same_file_measures_the_same(state_dir: Path, tmp_path: Path) -> None:
    path = convolutions(tmp_path / "model.onnx", 16)
    first, second = (LatencyMeter(state_dir=state_dir).measure(path, images=IMAGES) for _ in range(2))
    assert first.latency_ms == pytest.approx(second.latency_ms, rel=0.3)  # tests run on machines of any kind


def test_larger_batch_takes_longer_and_is_stated(state_dir: Path, tmp_path: Path) -> None:
    path = convolutions(tmp_path / "model.onnx", 16)
    one = LatencyMeter(state_dir=state_dir).measure(path, images=IMAGES)
    eight = LatencyMeter(Target(batch=8), state_dir=state_dir).measure(path, images=IMAGES)
    assert eight.latency_ms > 3 * one.latency_ms
    assert figures(eight)["latency_batch"] == 8


def test_several_threads_are_timed_by_the_wall(state_dir: Path, tmp_path: Path) -> None:
    path = convolutions(tmp_path / "model.onnx", 64)
    latency = LatencyMeter(Target(threads=2), state_dir=state_dir).measure(path, images=IMAGES)
    assert figures(latency)["latency_threads"] == 2
    assert latency.latency_ms == pytest.approx(latency.wall_p50_ms, rel=0.5)


def test_measurement_waits_for_another_process(state_dir: Path, tmp_path: Path) -> None:
    path = convolutions(tmp_path / "model.onnx", 16)
    meter = LatencyMeter(state_dir=state_dir)
    meter.measure(path, images=IMAGES)  # starts its process
    command = [sys.executable, "-c", HOLD_LOCK, str(state_dir / "measuring.lock"), "2.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        latency = meter.measure(path, images=IMAGES)
    assert 0.4 < latency.waited_seconds < 8


def test_lock_is_free_after_its_holder_dies(tmp_path: Path) -> None:
    lock = tmp_path / "measuring.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(lock), "60"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    start = time.monotonic()
    with exclusive(lock):
        assert time.monotonic() - start < 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not pin threads")
def test_affinity_is_restored_after_an_error() -> None:
    before = os.sched_getaffinity(0)

    def fail() -> None:
        with pinned():
            assert len(os.sched_getaffinity(0)) == 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.sched_getaffinity(0) == before


def test_best_time_is_shared_among_processes(tmp_path: Path) -> None:
    first = Reference(tmp_path)
    for reading_ns in (110, 100, 105):
        first.note(reading_ns)
    first.save()
    second = Reference(tmp_path)
    second.prepare()
    assert second.is_fast(116)
    assert not second.is_fast(117)


def test_one_freak_reading_sets_no_record(tmp_path: Path) -> None:
    reference = Reference(tmp_path)
    for reading_ns in (100, 1, 101, 102):
        reference.note(reading_ns)
    assert reference.is_fast(105)


def test_best_time_that_is_never_reached_fades(tmp_path: Path) -> None:
    reference = Reference(tmp_path)
    for reading_ns in (100, 100, 100):
        reference.note(reading_ns)
    assert not reference.is_fast(150)
    for _ in range(40):
        reference.relax()
    assert reference.is_fast(150)


def test_torn_state_is_measured_again(tmp_path: Path) -> None:
    (tmp_path / "reference.json").write_text('{"1 onnx')
    reference = Reference(tmp_path)
    reference.prepare()
    reference.save()
    (best_ns,) = json.loads((tmp_path / "reference.json").read_text()).values()
    assert 1e3 < best_ns < 1e8
