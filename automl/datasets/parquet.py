"""Data sets as the Hugging Face hub stores them: encoded images and labels in parquet files."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from automl.datasets.dataset import Augmentation, Source, Split
from automl.datasets.stack_images import open_images, stack_images
from automl.errors import DatasetError

_IMAGE_COLUMNS = ("img", "image")


def read(argument: str) -> Source:
    """Read ``train.parquet`` and ``test.parquet`` of a folder.

    Columns: ``img`` (or ``image``), a struct whose field ``bytes`` is an encoded picture, and ``label``, an integer.

    Raises:
        DatasetError: A file is missing or torn, or a column, picture or label is not as described.
    """
    folder = Path(argument).expanduser()
    if not argument or not folder.is_dir():
        raise DatasetError(f"there is no folder {argument!r}: write 'parquet:DIR' with train.parquet and test.parquet")
    training = _read_split(folder / "train.parquet")
    test = _read_split(folder / "test.parquet")
    return Source(training, test, Augmentation.usual(training.images))


def _read_split(path: Path) -> Split:
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
    images = stack_images(open_images(_pictures(path, table[image_column])), count=table.num_rows)
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
