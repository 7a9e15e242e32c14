"""The stages of a trial, in the order in which they run."""

from enum import StrEnum


class Stage(StrEnum):
    """What a technique does to the network; a distiller has no turn of its own, it changes how the others train."""

    ARCHITECTURE = "architecture"
    PRUNER = "pruner"
    QUANTIZER = "quantizer"
    DISTILLER = "distiller"
