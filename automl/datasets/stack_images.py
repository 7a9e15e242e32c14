"""Makes one uint8 array of many pictures that must all be alike, or are made so as the user stated."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from automl.core.dataset_spec import DatasetSpec
from automl.datasets.open_images import NamedImage
from automl.datasets.remarks import Remarks
from automl.errors import DatasetError

_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV"})
_MODES = {"grey": "L", "rgb": "RGB"}
_WORDS = {"L": "grey", "RGB": "in colour"}
_STRETCH_NOTICED = 0.02


def stack_images(images: Iterable[NamedImage], *, count: int, spec: DatasetSpec, remarks: Remarks) -> NDArray[np.uint8]:
    """Stack ``count`` pictures into (N, C, H, W); one channel where they are grey, else red, green and blue.

    A transparent picture is laid on the background of the spec; then its colours are converted and it is scaled
    (bilinear, every pixel counts), where the spec says so.

    Raises:
        DatasetError: Two pictures differ in size, one is grey and another in colour, a depth is not 8 bits, or one
            is transparent and the spec does not say what is behind it.
    """
    stacked = np.empty((0, 0, 0, 0), dtype=np.uint8)
    first_name, first_size, first_mode = "", (0, 0), ""
    for index, (name, opened) in enumerate(images):
        image = _as_stated(name, opened, spec, remarks)
        if index == 0:
            first_name, first_size, first_mode = name, image.size, image.mode
            stacked = np.empty((count, image.height, image.width, len(image.mode)), dtype=np.uint8)
        if image.size != first_size:
            raise DatasetError(
                f"images differ in size: {first_name} is {_size(first_size)}, {name} is {_size(image.size)}: "
                f"write {spec.asking({'resize': f'{first_size[0]}x{first_size[1]}'})} to scale all to one size"
            )
        if image.mode != first_mode:
            raise DatasetError(
                f"images differ in colour: {first_name} is {_WORDS[first_mode]}, {name} is {_WORDS[image.mode]}: "
                f"write {spec.asking({'convert': 'rgb'})} or convert=grey to make all alike"
            )
        stacked[index] = np.asarray(image).reshape(stacked.shape[1:])
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))


def _as_stated(name: str, image: Image.Image, spec: DatasetSpec, remarks: Remarks) -> Image.Image:
    """Give a picture of mode L or RGB, in the colours and the size of the spec."""
    if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise DatasetError(
            f"{name} has pixels of mode {image.mode}, not 8 bits a channel: save it with levels from 0 to 255; "
            "which of its levels is black and which is white, only you know"
        )
    if image.mode == "CMYK":
        remarks.add("pictures in CMYK, converted to RGB without a colour profile", name)
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if image.has_transparency_data:
        image = _opaque(name, image, mode, spec)
    elif image.mode != mode:
        image = image.convert(mode)
    if spec.convert is not None:
        image = image.convert(_MODES[spec.convert])
    if spec.resize is not None and image.size != spec.resize:
        if _is_stretched(image.size, spec.resize):
            remarks.add(f"pictures of another shape than {_size(spec.resize)}, stretched or squeezed", name)
        image = image.resize(spec.resize, Image.Resampling.BILINEAR)
    return image


def _opaque(name: str, image: Image.Image, mode: str, spec: DatasetSpec) -> Image.Image:
    """Lay a picture on the background; an alpha channel that hides nothing is dropped."""
    layer = image.convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer.convert(mode)
    if spec.background_rgb is None:
        raise DatasetError(
            f"{name} is transparent in places: say what is behind it, as in {spec.asking({'background': 'white'})}"
        )
    ground = Image.new("RGBA", image.size, spec.background_rgb)
    ground.alpha_composite(layer)
    is_grey = len(set(spec.background_rgb)) == 1
    return ground.convert(mode if is_grey else "RGB")


def _is_stretched(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Say whether the proportions of a picture change by more than rounding to whole pixels explains."""
    across, down = size[0] * wanted[1], size[1] * wanted[0]
    return abs(across - down) > _STRETCH_NOTICED * max(across, down)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
