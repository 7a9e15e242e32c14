"""Decodes picture files, and turns each the way up that a viewer shows it."""

import struct
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image, ImageOps

from automl.datasets.remarks import Remarks
from automl.errors import DatasetError

_SECOND_IMAGE_IS_A_PREVIEW = frozenset({"MPO"})  # what telephones and stereo cameras write in place of JPEG


class NamedImage(NamedTuple):
    """An open picture and what a message should call it."""

    name: str
    image: Image.Image


def open_images(files: Iterable[tuple[str, Path | BytesIO]], remarks: Remarks) -> Iterator[NamedImage]:
    """Decode named files one after the other, upright.

    Pictures of 32 x 32 decode slower in threads than in one: the interpreter's lock costs more than the decoder.

    Raises:
        DatasetError: A file is not a picture, or is torn.
    """
    for name, file in files:
        if _is_empty(file):
            raise DatasetError(f"{name} has 0 bytes: fetch it again or remove it")
        try:
            with Image.open(file) as image:
                frames = getattr(image, "n_frames", 1)
                image.load()
                picture = upright(image)
        except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
            raise DatasetError(f"{name} cannot be decoded as an image ({error}): replace or remove it") from error
        if frames > 1 and image.format not in _SECOND_IMAGE_IS_A_PREVIEW:
            remarks.add("pictures of several frames, of which the first is read", name)
        yield NamedImage(name, picture)


def upright(image: Image.Image) -> Image.Image:
    """Apply the orientation that a camera noted in EXIF (CIPA DC-008, tag 0x0112), as viewers do.

    A note that cannot be read, or is none of 1 to 8, turns nothing.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, KeyError, struct.error):  # pixels are whole though the notes are torn
        return image
    return ImageOps.exif_transpose(image) if orientation in range(2, 9) else image


def _is_empty(file: Path | BytesIO) -> bool:
    if isinstance(file, BytesIO):
        return file.getbuffer().nbytes == 0
    return file.is_file() and file.stat().st_size == 0
