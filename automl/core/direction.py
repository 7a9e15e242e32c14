"""Which way is better."""

from enum import StrEnum


class Direction(StrEnum):
    """Which way is better."""

    MAX = "max"
    MIN = "min"
