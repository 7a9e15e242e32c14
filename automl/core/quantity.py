"""Numbers with a unit, as people write them."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal

from automl.core.metric import Unit

NUMBER = r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
"""Pattern of a number in decimal digits; ``1e6``, ``.5`` and ``50_000`` are."""

_QUANTITY = re.compile(rf"({NUMBER})\s*([^\s\d]\S*)?", re.ASCII)
_PER_CENT = {"%": Decimal("0.01")}
_MILLISECONDS = {
    "ns": Decimal("1e-6"),
    "us": Decimal("1e-3"),
    "\N{MICRO SIGN}s": Decimal("1e-3"),
    "\N{GREEK SMALL LETTER MU}s": Decimal("1e-3"),
    "ms": Decimal(1),
    "s": Decimal(1000),
}
_COUNTS = {letter: Decimal(1000) ** power for power, letter in enumerate("kMG", start=1)}
_BYTES = {"b": Decimal(1)} | {
    f"{letter}{binary}{byte}": Decimal(1024 if binary else 1000) ** power
    for power, letter in enumerate("kmgt", start=1)
    for binary in ("", "i")
    for byte in ("", "b")
}


def bytes_of(text: str) -> float:
    """Read a size such as ``50kB``, ``1.5 MiB`` or ``1e6``, in bytes.

    Raises:
        ValueError: Saying what is wrong with it.
    """
    return _read(text, _BYTES, "50kB", is_case_free=True)


def quantity(text: str, unit: Unit, symbol: str = "") -> float:
    """Read a value of a metric.

    >>> quantity("1.5MB", Unit.BYTES), quantity("200us", Unit.MILLISECONDS), quantity("95%", Unit.SHARE)
    (1500000.0, 0.2, 0.95)

    Args:
        text: A number, perhaps with a unit.
        unit: Of the metric.
        symbol: Of the metric, which may stand behind a number of it.

    Raises:
        ValueError: Saying what is wrong with it.
    """
    match unit:
        case Unit.BYTES:
            return bytes_of(text)
        case Unit.MILLISECONDS:
            return _read(text, _MILLISECONDS, "0.2ms or 200us")
        case Unit.SHARE | Unit.POINTS:
            return _read(text, _PER_CENT, "0.95 or 95%")
        case _:
            own = {symbol: Decimal(1)} if symbol else {}
            return _read(text, {**_COUNTS, **own}, f"5 or 5{symbol}" if symbol else "50000 or 50k")


def _read(text: str, units: Mapping[str, Decimal], example: str, *, is_case_free: bool = False) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no number; write it as in {example}")
    digits, unit = match[1].replace("_", ""), match[2] or ""
    factor = Decimal(1) if not unit else units.get(unit.casefold() if is_case_free else unit)
    if factor is None:
        raise ValueError(f"{unit!r} in {text!r} is no unit of this metric; write it as in {example}")
    value = float(Decimal(digits) * factor)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large to be a limit; write it as in {example}")
    return value
