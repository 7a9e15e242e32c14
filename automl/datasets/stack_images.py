"""Makes one uint8 array of many pictures that must all be alike."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from automl.errors import DatasetError

_GREY_MODES = frozenset({"1", "L", "LA"})
_COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"})


class NamedImage(NamedTuple):
    """An open picture and what a message should call it."""

    name: str
    image: Image.Image


def open_images(files: Iterable[tuple[str, Path | BytesIO]]) -> Iterator[NamedImage]:
    """Decode named files one after the other.

    Pictures of 32 x 32 decode slower in threads than in one: the interpreter's lock costs more than the decoder.

    Raises:
        DatasetError: A file is not a picture, or is torn.
    """
    for name, file in files:
        try:
            with Image.open(file) as image:
                image.load()
                yield NamedImage(name, image)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DatasetError(f"{name} cannot be decoded as an image ({error}): replace or remove it") from error


def stack_images(images: Iterable[NamedImage], *, count: int) -> NDArray[np.uint8]:
    """Stack ``count`` pictures into (N, C, H, W); one channel where they are grey, else red, green and blue.

    Raises:
        DatasetError: Two pictures differ in size, one is grey and another in colour, or a depth is not 8 bits.
    """
    stacked = np.empty((0, 0, 0, 0), dtype=np.uint8)
    first_name, first_size, first_mode = "", (0, 0), ""
    for index, (name, image) in enumerate(images):
        mode = _channels(name, image)
        if index == 0:
            first_name, first_size, first_mode = name, image.size, mode
            stacked = np.empty((count, image.height, image.width, len(mode)), dtype=np.uint8)
        if image.size != first_size:
            raise DatasetError(
                f"images differ in size: {first_name} is {_size(first_size)}, {name} is {_size(image.size)}: "
                "resize all to one size"
            )
        if mode != first_mode:
            raise DatasetError(f"images differ in colour: {first_name} is {first_mode}, {name} is {mode}: convert them")
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
        stacked[index] = pixels.reshape(stacked.shape[1:])
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))


def _channels(name: str, image: Image.Image) -> str:
    if image.mode in _GREY_MODES:
        return "L"
    if image.mode in _COLOUR_MODES:
        return "RGB"
    raise DatasetError(f"{name} has pixels of mode {image.mode}: convert it to 8 bits a channel")


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
