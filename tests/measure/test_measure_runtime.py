"""A file runs in the runtime of its target, or is refused with what is missing."""

import sys
import time

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper

from automl.core.target import Target
from automl.errors import ConversionError, UsageError
from automl.measure.answers import predict
from automl.measure.latency import LatencyMeter
from automl.measure.runtime import check_target, open_network, runtime_name
from automl.onnx_session import open_session, providers

OPENVINO, CUDA = Target(device="openvino"), Target(device="cuda")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), np.uint8)
without_cuda = pytest.mark.skipif("CUDA" in providers(), reason="this ONNX Runtime runs on a GPU")
with_cuda = pytest.mark.skipif(
    "CUDA" not in providers(), reason=f"ONNX Runtime runs on {', '.join(providers())} here, not on CUDA"
)


def graph_of(nodes, tensors) -> onnx.ModelProto:
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, 16, 16])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", "classes"])
    graph = helper.make_graph(nodes, "g", [image], [logits], tensors)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("of.nobody", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A convolution of 64 channels, as ONNX."""
    weight = np.random.default_rng(0).standard_normal((64, 3, 5, 5), np.float32) / 1000
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w"], ["y"]),
        helper.make_node("ReduceMean", ["y", "axes"], ["logits"], keepdims=0),
    ]
    tensors = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([2, 3]), "axes")]
    path = tmp_path_factory.mktemp("source") / "model.onnx"
    onnx.save(graph_of(nodes, tensors), path)
    return path


@pytest.fixture(scope="module")
def converted(source):
    """The same network, as OpenVINO's own tools write it."""
    path = source.with_name("model.xml")
    openvino.save_model(openvino.Core().read_model(source), path, compress_to_fp16=False)
    return path


def test_openvino_gives_the_answers_of_its_file(source, converted):
    expected = onnxruntime.InferenceSession(source).run(None, {"image": IMAGES})[0]
    found = predict(converted, IMAGES, target=OPENVINO, batch_size=2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_one_thread_works_where_it_is_called(device, source, converted):
    """CPU time of the calling thread is latency only if no other thread of the process has a part in it."""
    network = open_network(converted if device == "openvino" else source, Target(device=device))
    network(IMAGES)
    start, process_start = time.thread_time_ns(), time.process_time_ns()
    for _ in range(200):
        network(IMAGES)
    thread_ns, process_ns = time.thread_time_ns() - start, time.process_time_ns() - process_start
    assert process_ns < 1.1 * thread_ns


def test_latency_is_that_of_openvino(converted, tmp_path):
    latency = LatencyMeter(OPENVINO, state_dir=tmp_path).measure(converted, images=IMAGES[:1])
    network = openvino.Core().compile_model(converted, "CPU", {"INFERENCE_NUM_THREADS": 1})
    least_ms = np.inf
    for _ in range(300):
        start = time.thread_time_ns()
        network(IMAGES[:1])
        least_ms = min(least_ms, (time.thread_time_ns() - start) / 1e6)
    assert latency.target == OPENVINO
    assert latency.latency_ms == pytest.approx(least_ms, rel=0.5)  # tests run on machines of any kind


def test_more_threads_than_openvino_takes_are_refused_with_their_number():
    most = openvino.Core().compile_model(converted_of_nothing(), "CPU", {"INFERENCE_NUM_THREADS": 256})
    taken = most.get_property("INFERENCE_NUM_THREADS")
    with pytest.raises(UsageError, match=rf"takes {taken} threads on this host, not 256; .*openvino:{taken}"):
        check_target(Target(device="openvino", threads=256))


def converted_of_nothing() -> openvino.Model:
    parameter = openvino.opset13.parameter([1], np.float32)
    return openvino.Model([openvino.opset13.relu(parameter)], [parameter], "nothing")


def test_what_openvino_cannot_run_is_refused_with_its_reason(tmp_path):
    foreign = graph_of([helper.make_node("Mystery", ["image"], ["logits"], domain="of.nobody")], [])
    onnx.save(foreign, tmp_path / "model.onnx")
    with pytest.raises(ConversionError, match=r"OpenVINO cannot run the network: .*Mystery.*; deploy model.onnx"):
        open_network(tmp_path / "model.onnx", OPENVINO)


def test_without_openvino_its_target_is_refused_with_the_line_that_installs_it(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UsageError, match=r"pip install 'automl-pareto\[openvino\]'"):
        check_target(OPENVINO)


@without_cuda
def test_without_the_provider_cuda_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"runs on .*CPU, not on CUDA; pip install onnxruntime-gpu") as refused:
        check_target(CUDA)
    assert "\n" not in str(refused.value)


@without_cuda
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider':UserWarning")  # ONNX Runtime's
def test_a_session_that_fell_back_to_the_processor_is_refused(monkeypatch):
    there_are = [*onnxruntime.get_available_providers(), "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there_are)
    with pytest.raises(UsageError, match="was built for CUDA and could not start it"):
        check_target(CUDA)


@with_cuda
def test_cuda_gives_the_answers_of_the_processor_and_its_latency(source, tmp_path):
    expected = predict(source, IMAGES)
    np.testing.assert_allclose(predict(source, IMAGES, target=CUDA), expected, rtol=1e-2, atol=1e-3)
    latency = LatencyMeter(CUDA, state_dir=tmp_path).measure(source, images=IMAGES[:1])
    assert latency.latency_ms == pytest.approx(latency.wall_p50_ms, rel=0.5)


def test_the_processor_is_asked_for_nothing_else(source):
    assert open_session(source).get_providers() == ["CPUExecutionProvider"]


def test_runtimes_are_told_apart():
    names = [runtime_name(Target(device=device)) for device in ("cpu", "openvino")]
    assert names == [f"onnxruntime {onnxruntime.__version__}", f"openvino {openvino.__version__.partition('-')[0]}"]
