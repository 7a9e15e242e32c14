"""Trials as the bytes of a parquet file, and back."""

from collections.abc import Sequence

import pyarrow as pa
from pyarrow import parquet as pq

from automl.core.study import SCHEMA_VERSION, StudySpec
from automl.core.trial import Trial
from automl.errors import StoreError
from automl.storage.columns import Cell, Kind, columns, row_of, trial_of

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
_VERSION_KEY = b"automl.schema_version"


def encode_trials(trials: Sequence[Trial], spec: StudySpec) -> bytes:
    """Write trials as one parquet file; the columns' types depend on the study alone."""
    fields = [pa.field(name, _ARROW_TYPES[kind]) for name, kind in columns(spec, trials).items()]
    schema = pa.schema(fields, metadata={_VERSION_KEY: str(SCHEMA_VERSION)})
    table = pa.Table.from_pylist([row_of(trial, spec) for trial in trials], schema=schema)
    sink = pa.BufferOutputStream()
    # Of one row, dictionaries, statistics and a second copy of the schema are most of the file.
    folded = len(trials) > 1
    pq.write_table(table, sink, use_dictionary=folded, write_statistics=folded, store_schema=False)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode_trials(data: bytes, *, source: str) -> list[Trial]:
    """Read the trials of one file.

    Args:
        data: The whole file.
        source: Where it came from, for messages.

    Raises:
        StoreError: If the file is torn, not ours, or written by a newer automl.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        check_schema_version(int((file.schema_arrow.metadata or {}).get(_VERSION_KEY, 0)), source=source)
        rows: list[dict[str, Cell]] = file.read(use_threads=False).to_pylist()
        return [trial_of(row) for row in rows]
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{source} is not a whole trial file ({type(error).__name__}: {str(error).splitlines()[0]}); "
            "delete it, and the next search runs what it held again"
        ) from error


def check_schema_version(version: int, *, source: str) -> None:
    """Refuse what a newer automl wrote.

    Raises:
        StoreError: Naming the file and both versions.
    """
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{source} has schema version {version}, and this automl reads up to {SCHEMA_VERSION}: upgrade automl"
        )
