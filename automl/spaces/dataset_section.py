"""The data set of a space file: one text, or its parts as keys."""

from automl.core.dataset_spec import OPTIONS, DatasetSpec
from automl.errors import DatasetError
from automl.spaces.located_yaml import KeyPath, LocatedDocument

_SOURCE = "source"


def read_dataset(document: LocatedDocument, written: object) -> str:
    """Give the data set as ``--dataset`` takes it.

    Args:
        document: Says where a mistake stands.
        written: A text, or ``{source: imagefolder:DIR, resize: 64x48, convert: grey, background: white}``.

    Raises:
        SpaceError: If an option is unknown or has no such value, or there is no source.
    """
    path: KeyPath = ("dataset",)
    if isinstance(written, str):
        return _checked(document, path, written, {})
    if not isinstance(written, dict):
        raise document.error(path, f"{written!r} is no data set; write one such as digits or imagefolder:DIR")
    source = written.get(_SOURCE)
    if not isinstance(source, str):
        raise document.error((*path, _SOURCE), "this key is missing; write one such as source: imagefolder:DIR")
    options = {key: value for key, value in written.items() if key != _SOURCE}
    for key, value in options.items():  # one by one: the error names the line of its key
        if value is None:
            raise document.error((*path, key), f"there is no value; {OPTIONS.get(key, 'remove the key')}")
        _checked(document, (*path, key), source, {key: value})
    return _checked(document, path, source, options)


def _checked(document: LocatedDocument, path: KeyPath, source: str, options: dict[str, object]) -> str:
    try:
        spec = DatasetSpec.parse(source)
        return str(DatasetSpec.of(spec.kind, spec.argument, {**spec.options, **options}))
    except DatasetError as error:
        raise document.error(path, str(error)) from None
