"""Every error that automl raises on purpose, so that a caller can catch one type.

AutomlError                what happened, the offending value, what to do next
├── UsageError             bad input: the command line ends with exit code 2
│   ├── SpaceError         a space file that cannot be read or does not make sense
│   ├── PluginError        a plugin that is unknown, broken or ambiguous
│   ├── DatasetError       data that is missing, torn or of the wrong shape
│   └── StoreError         a trial store that cannot be read or written, or does not fit
├── InfeasibleError        this point cannot be built: the trial ends as INFEASIBLE
│   └── UntraceableError   a network that torch.fx cannot trace
├── FidelityError          a rewrite changed what a network answers: the trial ends as FAILED
├── MeasureError           a file could not be measured
├── ConversionError        a file for another runtime does not answer as ONNX Runtime does
└── SearchError            the search itself cannot go on: exit code 1
"""


class AutomlError(Exception):
    """Base of all errors of automl; the message is one line that a user can act upon."""


class UsageError(AutomlError):
    """The input is wrong; nothing was written."""


class SpaceError(UsageError):
    """A space file cannot be read or does not make sense."""


class PluginError(UsageError):
    """A plugin is unknown, cannot be imported, or is claimed twice."""


class DatasetError(UsageError):
    """A data set is missing, torn, or of a shape that cannot be trained on."""


class StoreError(UsageError):
    """A trial store cannot be read or written, or holds a different study."""


class InfeasibleError(AutomlError):
    """A point cannot be built, for a reason that is known before training."""


class UntraceableError(InfeasibleError):
    """What a network computes depends on more than its modules say, so that its graph cannot be read off.

    Attributes:
        where: The module and the line of its source at fault, in words.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message, where)
        self.where = where

    def __str__(self) -> str:
        return str(self.args[0])


class FidelityError(AutomlError):
    """A rewrite of a network changed its answers, so that no figure of the file would be true of the network."""


class MeasureError(AutomlError):
    """A file could not be measured."""


class ConversionError(AutomlError):
    """A converted file does not compute what it was converted from."""


class SearchError(AutomlError):
    """The search cannot go on."""
