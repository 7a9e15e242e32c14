"""Data sets as the Hugging Face hub stores them: encoded images and labels in parquet files."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.datasets.dataset import Source, Split
from automl.datasets.open_images import open_images
from automl.datasets.remarks import Remarks, listed
from automl.datasets.stack_images import stack_images
from automl.errors import DatasetError

_IMAGE_COLUMNS = ("img", "image")
_VALIDATION_FILES = ("validation.parquet", "val.parquet", "valid.parquet")


def read(spec: DatasetSpec) -> Source:
    """Read ``train.parquet`` of a folder, with ``test.parquet`` or ``validation.parquet`` beside it.

    Columns: ``img`` (or ``image``), a struct whose field ``bytes`` is an encoded picture, and ``label``, an integer.
    Nothing says whether a mirror image keeps its class, so that training images are shifted alone.

    Raises:
        DatasetError: A file is missing or torn, or a column, picture or label is not as described.
    """
    folder = Path(spec.argument).expanduser()
    if not spec.argument or not folder.is_dir():
        raise DatasetError(
            f"there is no folder {spec.argument!r}: write 'parquet:DIR' with train.parquet and test.parquet"
        )
    files = {path.name: path for path in sorted(folder.glob("*.parquet"))}
    held_out = [name for name in _VALIDATION_FILES if name in files]
    if len(held_out) > 1:
        raise DatasetError(f"{folder} has {' and '.join(held_out)}, both for validation: keep one")
    remarks = Remarks()
    training = _read_split(folder / "train.parquet", spec, remarks)
    validation = _read_split(folder / held_out[0], spec, remarks) if held_out else None
    test = None
    if not held_out or "test.parquet" in files:
        test = _read_split(folder / "test.parquet", spec, remarks)
    unread = [name for name in files if name not in {"train.parquet", "test.parquet", *held_out}]
    notes = (f"not read, since {folder} has train.parquet: {listed(unread)}",) if unread else ()
    return Source(
        training,
        test,
        Augmentation.SHIFT,
        validation=validation,
        class_names=_class_names(folder / "train.parquet"),
        notes=(*notes, *remarks.notes()),
    )


def _class_names(path: Path) -> tuple[str, ...] | None:
    """Read the names of labels where the hub's libraries left them."""
    metadata = pq.read_schema(path).metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _read_split(path: Path, spec: DatasetSpec, remarks: Remarks) -> Split:
    if not path.is_file():
        found = ", ".join(sorted(file.name for file in path.parent.glob("*.parquet"))) or "no parquet file"
        raise DatasetError(f"there is no {path}: name it so, the folder has {found}")
    try:
        with pq.ParquetFile(path) as file:
            image_column = _checked_image_column(path, file.schema_arrow)
            table = file.read(columns=[f"{image_column}.bytes", "label"])
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"{path} cannot be read as parquet ({reason}): fetch it again, it may be torn") from error
    if table["label"].null_count:
        raise DatasetError(f"{path}: {table['label'].null_count} labels are null: remove these rows")
    pictures = open_images(_pictures(path, table[image_column]), remarks)
    images = stack_images(pictures, count=table.num_rows, spec=spec, remarks=remarks)
    return Split(images, table["label"].to_numpy().astype(np.int64))


def _checked_image_column(path: Path, schema: pa.Schema) -> str:
    image_column = next((name for name in _IMAGE_COLUMNS if name in schema.names), None)
    if image_column is None or "label" not in schema.names:
        missing = "img" if image_column is None else "label"
        raise DatasetError(f"{path} has no column {missing!r}, only {', '.join(schema.names)}: rename one")
    image_type = schema.field(image_column).type
    if not pa.types.is_struct(image_type) or image_type.get_field_index("bytes") < 0:
        raise DatasetError(f"{path}: column {image_column!r} is {image_type}, not a struct with a field 'bytes'")
    label_type = schema.field("label").type
    if not pa.types.is_integer(label_type):
        raise DatasetError(f"{path}: column 'label' is {label_type}, not an integer: number the classes from 0")
    return image_column


def _pictures(path: Path, column: pa.ChunkedArray) -> Iterator[tuple[str, BytesIO]]:
    row = 0
    for chunk in column.chunks:
        for encoded in chunk.field("bytes").to_pylist():
            if encoded is None:
                raise DatasetError(f"row {row} of {path} has no image bytes: embed the picture or remove the row")
            yield f"row {row} of {path}", BytesIO(encoded)
            row += 1
