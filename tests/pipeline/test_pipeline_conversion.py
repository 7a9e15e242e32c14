"""What is handed out for another runtime answers like the deployed file, or is not handed out."""

import copy
import functools
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from automl.datasets.load import load_dataset
from automl.errors import ConversionError, UsageError
from automl.export.onnx_writer import export_onnx
from automl.pipeline.conversion import convert
from automl.registry import RUNTIME
from automl.testing.deployed_files import quantized_in_place
from automl.training.batches import normalize

DATASET = load_dataset("digits")
FORMS = {"float": None, "1 bit": 1, "2 bits": 2, "3 bits": 3, "4 bits": 4, "8 bits": 8}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return DATASET.validation.images


@functools.cache
def trained() -> nn.Sequential:
    """Train a network until it knows most digits."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten()
    model = nn.Sequential(*layers, nn.Linear(128, 10))
    inputs = normalize(torch.from_numpy(DATASET.train.images), DATASET.normalization)
    targets = torch.from_numpy(DATASET.train.labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(4):
        for batch in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, bytes]:
    """Deploy the network in every form in which weights are stored."""
    models, path = {}, tmp_path_factory.mktemp("deployed") / "model.onnx"
    for form, bits in FORMS.items():
        model = copy.deepcopy(trained())
        quantization = None
        if bits is not None:
            quantization = quantized_in_place(model, bits, DATASET.train.images, DATASET.normalization)
        export_onnx(
            model,
            path,
            image_shape=DATASET.image_shape,
            normalization=DATASET.normalization,
            quantization=quantization,
        )
        models[form] = path.read_bytes()
    return models


@pytest.mark.parametrize("name", FORMS)
def test_openvino_answers_like_onnx_runtime(name, models, images, tmp_path):
    converted = convert(models[name], "openvino", images=images, task=DATASET.task)
    assert list(converted.files) == ["model.xml", "model.bin"]
    for file, content in converted.files.items():
        (tmp_path / file).write_bytes(content)
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(tmp_path / "model.xml", "CPU", settings)
    expected = onnxruntime.InferenceSession(models[name]).run(None, {"image": images})[0]
    found = network(images)[0]
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() == converted.agreement.same_answers >= 0.98
    assert np.abs(found - expected).max() == pytest.approx(converted.agreement.largest_difference)


def test_equal_networks_give_equal_files(models, images):
    first, again = (
        convert(models["4 bits"], "openvino", images=images[:10], task=DATASET.task).files for _ in range(2)
    )
    assert first == again


def test_openvino_computes_in_int8(models, images, tmp_path):
    for file, content in convert(models["4 bits"], "openvino", images=images, task=DATASET.task).files.items():
        (tmp_path / file).write_bytes(content)
    network = openvino.Core().compile_model(tmp_path / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    layers = [node.get_rt_info() for node in network.get_runtime_model().get_ordered_ops()]
    kernels = {info["runtimePrecision"].value for info in layers if info["layerType"].value == "Convolution"}
    assert kernels == {"u8"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:read_binary is deprecated:DeprecationWarning")  # ExecuTorch's
@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # ExecuTorch's
@pytest.mark.parametrize("name", ["float", "3 bits"])
def test_executorch_answers_like_onnx_runtime(name, models, images, tmp_path):
    runtime = pytest.importorskip("executorch.runtime", reason="the extra executorch is not installed")
    converted = convert(models[name], "executorch", images=images, task=DATASET.task)
    assert list(converted.files) == ["model.pte"]
    assert converted.agreement.same_answers >= 0.98
    (tmp_path / "model.pte").write_bytes(converted.files["model.pte"])
    method = runtime.Runtime.get().load_program(tmp_path / "model.pte").load_method("forward")
    (found,) = method.execute([torch.from_numpy(images[:1])])
    expected = onnxruntime.InferenceSession(models[name]).run(None, {"image": images[:1]})[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=0.1 * expected.std())


@pytest.mark.parametrize("name", FORMS)
def test_litert_answers_like_onnx_runtime(name, models, images, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="the extra litert is not installed")
    converted = convert(models[name], "litert", images=images, task=DATASET.task)
    assert list(converted.files) == ["model.tflite"]
    (tmp_path / "model.tflite").write_bytes(converted.files["model.tflite"])
    network = interpreter.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    found = network(image=np.ascontiguousarray(images.transpose(0, 2, 3, 1)))["logits"]
    expected = onnxruntime.InferenceSession(models[name]).run(None, {"image": images})[0]
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() == converted.agreement.same_answers >= 0.99
    assert converted.files == convert(models[name], "litert", images=images[:1], task=DATASET.task).files


def test_a_file_that_answers_otherwise_is_not_handed_out(models, images, monkeypatch):
    openvino_runtime = RUNTIME.load("openvino")
    write = openvino_runtime.write

    def write_other(self, model: bytes, folder: Path) -> None:
        """Convert as a broken converter would: the last layer's weights the wrong way round."""
        changed = onnx.load_from_string(model)
        last = next(tensor for tensor in reversed(changed.graph.initializer) if len(tensor.dims) == 2)
        last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last)[::-1].copy(), last.name))
        write(self, changed.SerializeToString(), folder)

    monkeypatch.setattr(openvino_runtime, "write", write_other)
    with pytest.raises(ConversionError, match=r"openvino does not compute.*same answer to \d.*nothing was written"):
        convert(models["float"], "openvino", images=images, task=DATASET.task)


def test_a_runtime_that_gives_too_few_answers_is_refused_with_their_shape(models, images, monkeypatch):
    openvino_runtime = RUNTIME.load("openvino")
    opened = openvino_runtime.open

    def open_lossy(self, path, *, threads):
        network = opened(self, path, threads=threads)
        return lambda pixels: network(pixels)[:, :-1]

    monkeypatch.setattr(openvino_runtime, "open", open_lossy)
    with pytest.raises(ConversionError, match=r"openvino gives answers of the shape \(9, 9\) .* gives \(9, 10\)"):
        convert(models["float"], "openvino", images=images[:9], task=DATASET.task)


def test_a_runtime_that_does_not_write_its_files_is_refused_with_the_name_of_the_file(models, images, monkeypatch):
    monkeypatch.setattr(RUNTIME.load("openvino"), "write", lambda _self, _model, _folder: None)
    with pytest.raises(ConversionError, match=r"OpenVINO was to write model\.xml, and did not; deploy model\.onnx"):
        convert(models["float"], "openvino", images=images[:9], task=DATASET.task)


@pytest.mark.parametrize("runtime", ["executorch", "litert", "openvino"])
def test_a_runtime_that_is_not_installed_is_refused_with_the_line_that_installs_it(
    runtime, models, images, monkeypatch
):
    package = "ai_edge_litert" if runtime == "litert" else runtime
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"pip install 'automl-pareto\[{runtime}\]'"):
        convert(models["float"], runtime, images=images, task=DATASET.task)
