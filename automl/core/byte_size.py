"""Sizes as people write them."""

import re

from automl.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(k|M|G|T)?(i)?B?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_in_bytes(text: str) -> int:
    """Read ``10GB``, ``1.5 GiB`` or ``500M``.

    >>> size_in_bytes("1.5GB"), size_in_bytes("1KiB")
    (1500000000, 1024)

    Raises:
        UsageError: If the text has another form, or is less than a byte.
    """
    match = _SIZE.fullmatch(text.strip())
    number, unit, binary = match.groups(default="") if match else ("0", "", "")
    size = int(float(number) * (1024 if binary else 1000) ** _POWERS[unit.lower()])
    if size < 1:
        raise UsageError(f"size {text!r} is not one: give a number and a unit, as in 500MB or 10GB")
    return size
