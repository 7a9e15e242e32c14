"""The one way to a data set: a short text that names its kind and where it is."""

from contextlib import nullcontext
from difflib import get_close_matches

from automl.core.dataset_spec import DatasetSpec
from automl.data_source import DataSource
from automl.datasets.assemble import assemble, takes_pictures
from automl.datasets.dataset import GIVEN, Dataset, Source
from automl.datasets.python_callable import source_of
from automl.errors import DatasetError
from automl.registry import DATASET


def load_dataset(spec: str, task: str | None = None) -> Dataset:
    """Load a data set.

    >>> load_dataset("digits").image_shape
    ImageShape(channels=1, height=8, width=8)

    Args:
        spec: ``digits``, ``rotated_digits``, ``parquet:DIR``, ``imagefolder:DIR``, ``torchvision:NAME``,
            ``python:MODULE:CALLABLE`` or ``NAME:WHERE`` with the name of another plugin of data sets; those of
            pictures with options, as in ``imagefolder:DIR?resize=64x48&convert=grey&background=white``;
            any with ``?input=unit``.
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
    kind = data_source(parsed, spec)
    with nullcontext() if kind.runs_users_code else DATASET.answering(kind.name, DatasetError):
        returned = kind.read(parsed)
    source = returned if isinstance(returned, Source) else source_of(str(parsed), returned)
    return assemble(str(parsed), source, task)


def data_source(parsed: DatasetSpec, written: str) -> DataSource:
    """Give what reads a data set.

    Args:
        parsed: What the user wrote.
        written: The very text.

    Raises:
        DatasetError: The kind is unknown, or takes none of the options.
        PluginError: The kind cannot be used.
    """
    kinds = DATASET.installed()
    if parsed.kind not in kinds:
        nearest = get_close_matches(parsed.kind, kinds, n=1) or list(kinds)
        raise DatasetError(f"unknown kind of data set {parsed.kind!r} in {written!r}: try {', '.join(nearest)}")
    kind = DATASET.load(parsed.kind)()
    if parsed.picture_options and not kind.takes_pictures:
        takers = ", ".join(sorted(name for name in kinds if takes_pictures(name)))
        raise DatasetError(f"{parsed.kind} takes none of {', '.join(parsed.picture_options)}: they are for {takers}")
    return kind
