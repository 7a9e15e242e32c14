"""The text that names a data set: its kind, where it is, and what is done to its images."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal, Self

from pydantic import ValidationError, field_validator

from automl.core.image import InputConvention
from automl.core.value import Value
from automl.errors import DatasetError

_COLOURS = {"white": "#ffffff", "black": "#000000", "grey": "#808080", "gray": "#808080"}
_LARGEST_SIDE = 4096


class DatasetSpec(Value):
    """What ``KIND:WHERE?resize=64x48&convert=grey&background=white`` says.

    Attributes:
        kind: Of the data set, such as ``imagefolder``.
        argument: Where it is, in the words of its kind.
        resize: Width and height that every picture is scaled to, whatever shape it had; as it is where absent.
        convert: Colours that every picture is converted to; as they are where absent.
        background: What stands behind the transparent parts of pictures, as ``#rrggbb``; absent, such a picture
            is refused.
        input: Which numbers a network is given for the pixels; ``standardized`` where absent.
    """

    kind: str
    argument: str = ""
    resize: tuple[int, int] | None = None
    convert: Literal["grey", "rgb"] | None = None
    background: str | None = None
    input: InputConvention | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text.

        >>> spec = DatasetSpec.parse("imagefolder:parts?resize=64&background=#fff")
        >>> spec.argument, spec.resize, spec.background
        ('parts', (64, 64), '#ffffff')

        Raises:
            DatasetError: An option is unknown or has no such value.
        """
        place, mark, query = text.partition("?")
        kind, _, argument = place.partition(":")
        options: dict[str, object] = {}
        for part in query.split("&") if mark else ():
            key, equals, value = part.partition("=")
            if not equals:
                raise DatasetError(f"{part!r} in {text!r} is no option: write OPTION=VALUE, as in ?resize=64")
            if key in options:
                raise DatasetError(f"{key!r} stands twice in {text!r}: keep one")
            options[key] = value
        return cls.of(kind, argument, options)

    @classmethod
    def of(cls, kind: str, argument: str, options: Mapping[str, object]) -> Self:
        """Make a spec of its parts.

        Raises:
            DatasetError: An option is unknown or has no such value.
        """
        for key in options:
            if key not in OPTIONS:
                nearest = get_close_matches(key, OPTIONS, n=1)
                known = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(OPTIONS)}"
                raise DatasetError(f"a data set has no option {key!r}: {known}")
        try:
            return cls.model_validate({"kind": kind, "argument": argument, **options})
        except ValidationError as error:
            faulty = str(error.errors()[0]["loc"][0])
            raise DatasetError(f"{faulty}={options[faulty]} is not understood: {OPTIONS[faulty]}") from None

    @field_validator("resize", mode="before")
    @classmethod
    def _read_size(cls, value: object) -> object:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,4})(?:[xX](\d{1,4}))?", str(value).replace(" ", ""))
        if isinstance(value, bool) or found is None:
            raise ValueError
        width = int(found[1])
        size = width, int(found[2] or width)
        if not all(1 <= side <= _LARGEST_SIDE for side in size):
            raise ValueError
        return size

    @field_validator("convert", mode="before")
    @classmethod
    def _read_colours(cls, value: object) -> object:
        text = str(value).lower()
        return "grey" if text == "gray" else text

    @field_validator("background", mode="before")
    @classmethod
    def _read_background(cls, value: object) -> str:
        text: str = _COLOURS.get(str(value).lower(), str(value).lower())
        if re.fullmatch(r"#[0-9a-f]{3}", text):
            text = "#" + "".join(2 * digit for digit in text[1:])
        if not re.fullmatch(r"#[0-9a-f]{6}", text):
            raise ValueError
        return text

    @field_validator("input", mode="before")
    @classmethod
    def _read_input(cls, value: object) -> object:
        return None if value is None else InputConvention(str(value).lower())

    @property
    def background_rgb(self) -> tuple[int, int, int] | None:
        """The background as three numbers, 0 to 255."""
        if self.background is None:
            return None
        red, green, blue = bytes.fromhex(self.background[1:])
        return red, green, blue

    @property
    def picture_options(self) -> dict[str, str]:
        """The stated options that mean something for pictures alone."""
        return {key: value for key, value in self.options.items() if key != "input"}

    @property
    def options(self) -> dict[str, str]:
        """The options that are stated, as they are written."""
        names = {code: name for name, code in reversed(_COLOURS.items())}
        stated = {
            "resize": None if self.resize is None else "x".join(map(str, self.resize)),
            "convert": self.convert,
            "background": None if self.background is None else names.get(self.background, self.background),
            "input": None if self.input is None else str(self.input),
        }
        return {key: value for key, value in stated.items() if value is not None}

    def asking(self, options: Mapping[str, str]) -> str:
        """Write this spec with other options too: what a message tells the user to write.

        >>> DatasetSpec.parse("imagefolder:parts?resize=64").asking({"convert": "rgb"})
        "'imagefolder:parts?resize=64x64&convert=rgb'"
        """
        return repr(self._written({**self.options, **options}))

    def __str__(self) -> str:
        """Write it so that equal specs are equal texts."""
        return self._written(self.options)

    def _written(self, options: Mapping[str, str]) -> str:
        place = f"{self.kind}:{self.argument}" if self.argument else self.kind
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"{place}?{query}" if query else place


OPTIONS = {
    "resize": f"write WIDTHxHEIGHT, or one number for both, up to {_LARGEST_SIDE}",
    "convert": "write grey or rgb",
    "background": "write white, black, grey or '#rrggbb'",
    "input": f"write {', '.join(InputConvention)}",
}
"""What can be said of the images of a data set, and how."""
