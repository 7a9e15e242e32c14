"""Durations as people write them."""

import re

from automl.errors import UsageError

_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_UNIT_SECONDS = (86_400, 3_600, 60, 1)


def duration_seconds(text: str) -> float:
    """Read ``90s``, ``30m``, ``1h30m`` or ``2d``.

    >>> duration_seconds("1h30m")
    5400.0

    Raises:
        UsageError: If the text has another form, or is no time at all.
    """
    match = _DURATION.fullmatch(text)
    parts = match.groups(default="0") if match else ()
    seconds = float(sum(int(count) * unit for count, unit in zip(parts, _UNIT_SECONDS, strict=bool(parts))))
    if seconds <= 0:
        raise UsageError(f"duration {text!r} is not one: give days, hours, minutes and seconds, as in 30m or 1h30m")
    return seconds
