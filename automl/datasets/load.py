"""The one way to a data set: a short text that names its kind and where it is."""

from difflib import get_close_matches
from importlib import import_module

from automl.core.dataset_spec import PICTURE_KINDS, DatasetSpec
from automl.datasets.assemble import assemble
from automl.datasets.dataset import GIVEN, Dataset, Source
from automl.errors import DatasetError

_READERS = {  # modules, not functions: each kind imports its own heavy library, and only when asked for
    "digits": "automl.datasets.digits",
    "rotated_digits": "automl.datasets.rotated_digits",
    "parquet": "automl.datasets.parquet",
    "imagefolder": "automl.datasets.imagefolder",
    "torchvision": "automl.datasets.torchvision_named",
    "python": "automl.datasets.python_callable",
}


def load_dataset(spec: str, task: str | None = None) -> Dataset:
    """Load a data set.

    >>> load_dataset("digits").image_shape
    ImageShape(channels=1, height=8, width=8)

    Args:
        spec: ``digits``, ``rotated_digits``, ``parquet:DIR``, ``imagefolder:DIR``, ``torchvision:NAME`` or
            ``python:MODULE:CALLABLE``;
            those of pictures with options, as in ``imagefolder:DIR?resize=64x48&convert=grey&background=white``.
        task: Name of what a network shall do with it; the task of such labels where absent.

    Raises:
        DatasetError: The kind is unknown, or the data is missing, torn or of the wrong shape.
        PluginError: There is no such task.
    """
    parsed = DatasetSpec.parse(spec)
    if parsed.kind == GIVEN:
        raise DatasetError(
            "the data of this study were handed over by a Python program: give them again, as in "
            "automl.open_study(NAME, data=...)"
        )
    if parsed.kind not in _READERS:
        nearest = get_close_matches(parsed.kind, _READERS, n=1) or list(_READERS)
        raise DatasetError(f"unknown kind of data set {parsed.kind!r} in {spec!r}: try {', '.join(nearest)}")
    if parsed.options and parsed.kind not in PICTURE_KINDS:
        raise DatasetError(
            f"{parsed.kind} takes none of {', '.join(parsed.options)}: they are for {', '.join(PICTURE_KINDS)}"
        )
    source: Source = import_module(_READERS[parsed.kind]).read(parsed)
    return assemble(str(parsed), source, task)
