"""The script that goes with a network makes the very image of a picture that the data set made of it."""

import json
import runpy
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from report_study import study_spec

from automl.core.data_description import DataDescription
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.open_images import open_images
from automl.datasets.remarks import Remarks
from automl.datasets.stack_images import stack_images
from automl.report.predict_script import predict_script, takes_pictures

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(256, size=(5, 6), dtype=np.uint8)
COLOUR = RANDOM.integers(256, size=(5, 6, 3), dtype=np.uint8)
ALPHA = RANDOM.integers(256, size=(5, 6, 4), dtype=np.uint8)


def described(channels, *, width=6, height=5, **changes):
    fields = {
        "task": "regression", "gives_classes": False, "outputs": channels * width * height, "channels": channels,
        "height": height, "width": width, "images": {"train": 1, "validation": 1, "test": 1},
    }  # fmt: skip
    return DataDescription(**fields | changes)


def write_network(folder, outputs):
    """Write a network that answers with the pixels themselves."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "c", "h", "w"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["real"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "pixels", [image], [logits])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )


@pytest.fixture
def predict(tmp_path, monkeypatch, capsys):
    """Run the script on a picture file, and give what it printed."""

    def run(asked, data, picture):
        write_network(tmp_path, data.channels * data.height * data.width)
        spec = study_spec().model_copy(update={"dataset": asked, "data": data})
        (tmp_path / "predict.py").write_text(predict_script(spec, data, facts_file="recipe.json"))
        monkeypatch.setattr(sys, "argv", ["predict.py", str(picture)])
        runpy.run_path(str(tmp_path / "predict.py"))
        return capsys.readouterr().out.split()

    return run


def turned(folder):
    path, exif = folder / "turned.png", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(path, exif=exif)
    return path


def saved(name, image):
    def save(folder):
        image.save(folder / name)
        return folder / name

    return save


PICTURES = {
    "grey": saved("a.png", Image.fromarray(GREY)),
    "colour": saved("a.png", Image.fromarray(COLOUR)),
    "palette": saved("a.png", Image.fromarray(COLOUR).quantize(7)),
    "bits": saved("a.png", Image.fromarray(GREY).convert("1")),
    "cmyk": saved("a.tiff", Image.fromarray(COLOUR).convert("CMYK")),
    "transparent": saved("a.png", Image.fromarray(ALPHA)),
    "grey and transparent": saved("a.png", Image.fromarray(ALPHA).convert("LA")),
    "opaque": saved("a.png", Image.fromarray(COLOUR).convert("RGBA")),
    "turned": turned,
}


@pytest.mark.parametrize("background", ["white", "#2040f0"])
@pytest.mark.parametrize("convert", ["grey", "rgb"])
@pytest.mark.parametrize("kind", PICTURES)
def test_the_pixels_are_those_of_the_data_set(kind, convert, background, predict, tmp_path):
    asked = f"imagefolder:x?resize=4x3&convert={convert}&background={background}"
    picture = PICTURES[kind](tmp_path)
    remarks = Remarks()
    images = stack_images(
        open_images([("it", picture)], remarks), count=1, spec=DatasetSpec.parse(asked), remarks=remarks
    )
    printed = predict(asked, described(images.shape[1], width=4, height=3), picture)
    assert [float(pixel) for pixel in printed] == images.ravel().tolist()


@pytest.mark.parametrize(
    ("asked", "image", "words"),
    [
        ("imagefolder:x", Image.fromarray(COLOUR[:4]), "has 6 x 4 pixels, not 6 x 5"),
        ("imagefolder:x?resize=6x5", Image.fromarray(ALPHA), "is transparent in places"),
        ("imagefolder:x", Image.fromarray(GREY.astype(np.int32)), "has pixels of mode I"),
    ],
)
def test_what_the_data_set_would_refuse_is_refused_in_one_line(asked, image, words, predict, tmp_path):
    picture = saved("a.tiff", image)(tmp_path)
    with pytest.raises(SystemExit, match=words) as refused:
        predict(asked, described(3), picture)
    assert "\n" not in refused.value.code


@pytest.mark.parametrize(("names", "printed"), [(None, "1"), (("cat", "dög"), "dög")])
def test_a_class_is_printed_by_its_name_or_its_number(names, printed, predict, tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps({"deployed": {"classes": names}}))
    picture = saved("a.png", Image.fromarray(np.array([[3, 9]], np.uint8)))(tmp_path)
    data = described(1, width=2, height=1, gives_classes=True, class_names=names)
    assert predict("imagefolder:x", data, picture) == [printed]


def test_images_that_no_picture_file_holds_have_no_script():
    assert takes_pictures(described(1))
    assert not takes_pictures(described(4))
