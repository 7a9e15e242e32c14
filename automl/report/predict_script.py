"""Writes ``predict.py``: a few lines that run a picture through a deployed file, without anything of automl."""

from automl.core.data_description import DataDescription
from automl.core.dataset_spec import DatasetSpec
from automl.core.study import StudySpec
from automl.runtime import IMAGE, ONNX_FILE

_COLOURS = {1: "L", 3: "RGB"}
"""Modes of Pillow by the channels of an image."""


def takes_pictures(data: DataDescription) -> bool:
    """Say whether a picture file can be made an image of the data: whether that is grey or in colour."""
    return data.channels in _COLOURS


def predict_script(spec: StudySpec, data: DataDescription, *, facts_file: str) -> str:
    """Write the script: pictures become images as the data set of the study made them so.

    Args:
        spec: Of the study.
        data: Of the same study, of which ``takes_pictures`` holds.
        facts_file: Name of the file beside the network whose ``deployed`` has the names of the classes.
    """
    asked, shape = DatasetSpec.parse(spec.dataset), f"1, {data.height}, {data.width}, {data.channels}"
    return "\n".join(
        [
            '"""Runs a picture through the network: python predict.py PICTURE."""',
            f"import {'json, ' if data.class_names and data.gives_classes else ''}pathlib, sys",
            "import numpy, onnxruntime",
            "from PIL import Image, ImageOps",
            "",
            "here = pathlib.Path(__file__).parent",
            "picture = ImageOps.exif_transpose(Image.open(sys.argv[1]))",
            *_opaque(asked),
            *_colours(data),
            *_size(asked, data),
            f"pixels = numpy.asarray(picture).reshape({shape}).transpose(0, 3, 1, 2)",
            f'session = onnxruntime.InferenceSession(here / "{ONNX_FILE}")',
            f'(answer,) = session.run(None, {{"{IMAGE}": numpy.ascontiguousarray(pixels)}})[0]',
            *_answer(data, facts_file),
            "",
        ]
    )


def how_pictures_go_in(spec: StudySpec, data: DataDescription) -> str:
    """Say in a sentence or two what ``predict.py`` does with a picture before the network sees it."""
    asked = DatasetSpec.parse(spec.dataset)
    behind = "is refused" if asked.background is None else f"is laid on {asked.background}"
    made = f"is made {'grey' if data.channels == 1 else 'RGB'}"
    if asked.resize is None:
        sized = f"must have {data.width} x {data.height} pixels: nothing is scaled, as no training image was"
    else:
        sized = f"is scaled to {data.width} x {data.height} pixels (bilinear, whatever shape it had)"
    return f"A picture is turned upright (EXIF), {made}, and {sized}. One that is transparent in places {behind}."


def _opaque(asked: DatasetSpec) -> list[str]:
    """Lay what is transparent on the background of the data set, or refuse it as the data set does."""
    lines = ["if picture.has_transparency_data:", '    picture = picture.convert("RGBA")']
    if asked.background_rgb is None:
        refusal = 'sys.exit(f"{sys.argv[1]} is transparent in places: save it on the background that it should have")'
        return [*lines, '    if picture.getchannel("A").getextrema() != (255, 255):', f"        {refusal}"]
    ground = f'    ground = Image.new("RGBA", picture.size, {asked.background_rgb})'
    return [*lines, ground, "    picture = Image.alpha_composite(ground, picture)"]


def _colours(data: DataDescription) -> list[str]:
    refusal = 'sys.exit(f"{sys.argv[1]} has pixels of mode {picture.mode}: save it with 8 bits a channel")'
    grey = '("1", "L", "LA", "La")'
    wanted = _COLOURS[data.channels]
    # grey first, as in the data set: Pillow rounds otherwise where it goes from a palette to grey at once
    converted = f'picture = picture.convert("L" if picture.mode in {grey} else "RGB").convert("{wanted}")'
    return ['if picture.mode.startswith(("I", "F", "LAB")):', f"    {refusal}", converted]


def _size(asked: DatasetSpec, data: DataDescription) -> list[str]:
    size = (data.width, data.height)
    if asked.resize is not None:
        return [f"picture = picture.resize({size}, Image.Resampling.BILINEAR)"]
    refusal = (
        f'sys.exit(f"{{sys.argv[1]}} has {{picture.width}} x {{picture.height}} pixels, not {size[0]} x {size[1]}: '
        'no training image was scaled")'
    )
    return [f"if picture.size != {size}:", f"    {refusal}"]


def _answer(data: DataDescription, facts_file: str) -> list[str]:
    if not data.gives_classes:
        return ["print(*answer)"]
    if data.class_names is None:
        return ["print(answer.argmax())"]
    names = f'names = json.loads((here / "{facts_file}").read_text(encoding="utf-8"))["deployed"]["classes"]'
    return [names, "print(names[answer.argmax()])"]
