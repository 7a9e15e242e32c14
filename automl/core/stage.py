"""The stages of a trial, in the order in which they run."""

from enum import StrEnum


class Stage(StrEnum):
    """What a technique does to the network."""

    ARCHITECTURE = "architecture"
    PRUNER = "pruner"
    QUANTIZER = "quantizer"
