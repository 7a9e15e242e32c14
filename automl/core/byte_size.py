"""Sizes as people write them."""

from automl.core.quantity import bytes_of
from automl.errors import UsageError


def size_in_bytes(text: str) -> int:
    """Read ``10GB``, ``1.5 GiB``, ``500M`` or ``1e9``.

    >>> size_in_bytes("1.5GB"), size_in_bytes("1KiB")
    (1500000000, 1024)

    Raises:
        UsageError: If the text has another form, or is less than a byte.
    """
    try:
        size = int(bytes_of(text))
    except ValueError:
        size = 0
    if size < 1:
        raise UsageError(f"size {text!r} is not one: give a number and a unit, as in 500MB or 10GB")
    return size
