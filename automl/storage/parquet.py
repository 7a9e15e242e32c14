"""Trials as the bytes of a parquet file, and back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet as pq

from automl.core.study import SCHEMA_VERSION, StudySpec
from automl.core.trial import Trial
from automl.errors import StoreError
from automl.storage.columns import Cell, Kind, columns, in_order, row_of, trial_of
from automl.storage.steady_file import encode_steadily

if TYPE_CHECKING:  # it takes a while to import
    import pandas as pd

_ARROW_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.WIDTHS: pa.list_(
        pa.struct({"layer": pa.string(), "before": pa.int64(), "asked": pa.float64(), "kept": pa.int64()})
    ),
}
_VERSION_KEY = "automl.schema_version"


def encode_trials(trials: Sequence[Trial], spec: StudySpec) -> bytes:
    """Write trials as one parquet file; the columns' types depend on the study alone."""
    return _encode(_table(trials, spec), None)


def merge_trials(previous: bytes | None, trials: Sequence[Trial], spec: StudySpec, *, source: str) -> bytes:
    """Write the trials of a file and further ones as a file that may replace it while somebody reads it.

    Args:
        previous: The whole file; None where there is none yet.
        trials: Each takes the place of the one of the same number.
        spec: The study.
        source: Where the file came from, for messages.

    Raises:
        StoreError: If the file is torn, not ours, or written by a newer automl.
    """
    table = _table(trials, spec)
    if previous is not None:
        with _whole_file(source):
            earlier = _checked(previous, source=source).read(use_threads=False)
            others = earlier.filter(pc.invert(pc.is_in(earlier["number"], value_set=table["number"])))
            table = pa.concat_tables([others, _like(earlier.schema, table)], promote_options="default")
    table = table.select(in_order(table.column_names)).combine_chunks()
    return _encode(table.take(pc.sort_indices(table["number"])), previous)


def frame_of(trials: Sequence[Trial], spec: StudySpec) -> "pd.DataFrame":
    """Give trials as pandas reads them from one file: the same columns, in the same order, of the same types."""
    table = _table(trials, spec)
    return table.select(in_order(table.column_names)).to_pandas()


def count_trials(data: bytes) -> int:
    """Count the rows of one file."""
    rows: int = pq.read_metadata(pa.BufferReader(data)).num_rows
    return rows


def decode_trials(data: bytes, *, source: str) -> list[Trial]:
    """Read the trials of one file.

    Args:
        data: The whole file.
        source: Where it came from, for messages.

    Raises:
        StoreError: If the file is torn, not ours, or written by a newer automl.
    """
    with _whole_file(source):
        rows: list[dict[str, Cell]] = _checked(data, source=source).read(use_threads=False).to_pylist()
        return [trial_of(row) for row in rows]


def check_schema_version(version: int, *, source: str) -> None:
    """Refuse what a newer automl wrote.

    Raises:
        StoreError: Naming the file and both versions.
    """
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{source} has schema version {version}, and this automl reads up to {SCHEMA_VERSION}: upgrade automl"
        )


def _table(trials: Sequence[Trial], spec: StudySpec) -> pa.Table:
    schema = pa.schema([pa.field(name, _ARROW_TYPES[kind]) for name, kind in columns(spec, trials).items()])
    return pa.Table.from_pylist([row_of(trial, spec) for trial in trials], schema=schema)


def _like(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """Give columns the types that they had when they were first written: a metric may not be known here."""
    fields = [schema.field(field.name) if field.name in schema.names else field for field in table.schema]
    return table.cast(pa.schema(fields))


def _encode(table: pa.Table, previous: bytes | None) -> bytes:
    # Of one row, dictionaries, statistics and a second copy of the schema are most of the file.
    folded = len(table) > 1
    options = {"use_dictionary": folded, "write_statistics": folded, "store_schema": False}
    return encode_steadily(table, previous, metadata={_VERSION_KEY: str(SCHEMA_VERSION)}, options=options)


def _checked(data: bytes, *, source: str) -> pq.ParquetFile:
    file = pq.ParquetFile(pa.BufferReader(data))
    check_schema_version(int((file.metadata.metadata or {}).get(_VERSION_KEY.encode(), 0)), source=source)
    return file


@contextmanager
def _whole_file(source: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{source} is not a whole trial file ({type(error).__name__}: {str(error).splitlines()[0]}); "
            "delete it, and the next search runs what it held again"
        ) from error
