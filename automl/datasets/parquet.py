"""Data sets as the Hugging Face hub stores them: encoded images and labels in parquet files."""

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from automl.core.dataset_spec import DatasetSpec
from automl.datasets.dataset import Source, Split, safe_augmentation
from automl.datasets.open_images import open_images
from automl.datasets.remarks import Remarks, listed
from automl.datasets.stack_images import stack_images
from automl.errors import DatasetError

_IMAGE_COLUMNS = ("img", "image")
_VALIDATION_FILES = ("validation.parquet", "val.parquet", "valid.parquet")


def read(spec: DatasetSpec) -> Source:
    """Read ``train.parquet`` of a folder, with ``test.parquet`` or ``validation.parquet`` beside it.

    Columns: ``img`` (or ``image``), a struct whose field ``bytes`` is an encoded picture, and ``label``: an integer,
    the class; or where labels are numbers, a float, or a list of as many floats in each row. Nothing says whether a
    mirror image keeps its class, so that training images are shifted alone, and where labels are numbers, not at all.

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
    _check_one_kind(folder, {"train.parquet": training, **dict.fromkeys(held_out, validation), "test.parquet": test})
    unread = [name for name in files if name not in {"train.parquet", "test.parquet", *held_out}]
    notes = (f"not read, since {folder} has train.parquet: {listed(unread)}",) if unread else ()
    return Source(
        training,
        test,
        safe_augmentation(training.labels),
        validation=validation,
        class_names=_class_names(folder / "train.parquet"),
        notes=(*notes, *remarks.notes()),
    )


def _check_one_kind(folder: Path, splits: Mapping[str, Split | None]) -> None:
    """Refuse labels that are classes in one file and numbers in another."""
    kinds = {name: split.labels.dtype.kind for name, split in splits.items() if split is not None}
    numbers = [name for name, kind in kinds.items() if kind == "f"]
    classes = [name for name, kind in kinds.items() if kind != "f"]
    if numbers and classes:
        stored = pq.read_schema(folder / numbers[0]).field("label").type
        raise DatasetError(
            f"{folder / numbers[0]}: column 'label' is {stored}, not an integer as in {classes[0]}: number the classes "
            "from 0 in both, or give floats in both"
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
    return Split(images, _labels(path, table["label"]))


def _labels(path: Path, column: pa.ChunkedArray) -> NDArray[Any]:
    """Give classes as int64 (N,), numbers as float32 (N,) or (N, K)."""
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy().astype(np.int64))
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy().astype(np.float32))
    rows = column.to_pylist()
    odd = [row for row, numbers in enumerate(rows) if len(numbers) != len(rows[0]) or None in numbers]
    if odd:
        raise DatasetError(
            f"{path}: the label of row {odd[0]} is {rows[odd[0]]}, that of row 0 {rows[0]}: give as many numbers in "
            "each"
        )
    return np.array(rows, dtype=np.float32)


def _checked_image_column(path: Path, schema: pa.Schema) -> str:
    image_column = next((name for name in _IMAGE_COLUMNS if name in schema.names), None)
    if image_column is None or "label" not in schema.names:
        missing = "img" if image_column is None else "label"
        raise DatasetError(f"{path} has no column {missing!r}, only {', '.join(schema.names)}: rename one")
    image_type = schema.field(image_column).type
    if not pa.types.is_struct(image_type) or image_type.get_field_index("bytes") < 0:
        raise DatasetError(f"{path}: column {image_column!r} is {image_type}, not a struct with a field 'bytes'")
    label_type = schema.field("label").type
    is_list = pa.types.is_list(label_type) or pa.types.is_fixed_size_list(label_type)
    number = label_type.value_type if is_list else label_type
    if not pa.types.is_floating(number) and (is_list or not pa.types.is_integer(number)):
        raise DatasetError(
            f"{path}: column 'label' is {label_type}, not an integer: number the classes from 0; where labels are "
            "numbers, give floats"
        )
    return image_column


def _pictures(path: Path, column: pa.ChunkedArray) -> Iterator[tuple[str, BytesIO]]:
    row = 0
    for chunk in column.chunks:
        for encoded in chunk.field("bytes").to_pylist():
            if encoded is None:
                raise DatasetError(f"row {row} of {path} has no image bytes: embed the picture or remove the row")
            yield f"row {row} of {path}", BytesIO(encoded)
            row += 1
