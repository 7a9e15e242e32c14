"""A parquet file that may be replaced while somebody reads it.

Readers open a file twice, for its columns and then for their values (pandas and polars do, DuckDB at times). Where
it was replaced in between, they look for values where the earlier file had them. So a new version leaves the values
of the last few versions where they were, and puts its own into a gap or behind them. The format allows for that: all
places are counted from the beginning of the file, and what nothing points at is not read.
"""

import json
from itertools import chain
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

_KEPT_KEY = "automl.kept_bytes"
_VERSIONS_KEPT = 3
_MAGIC_BYTES = 4

Span = tuple[int, int]
"""Where some bytes begin, and where they end."""


def encode_steadily(table: pa.Table, previous: bytes | None, *, metadata: dict[str, str], options: Any) -> bytes:  # noqa: ANN401 # pyarrow's
    """Write a table as a file that may replace another under the eyes of a reader.

    Args:
        table: The new values.
        previous: The file that will be replaced; None where there is none.
        metadata: Kept in the file beside the table.
        options: Of ``pyarrow.parquet.ParquetWriter``.
    """
    kept = _kept(previous)
    start = _first_gap(kept, _values_bytes(table, options))
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        sink.write(_old_bytes(previous, kept, (sink.tell(), start)))
        writer.write_table(table)
        writer.add_key_value_metadata({**metadata, _KEPT_KEY: json.dumps(kept)})
        end = sink.tell()
        sink.write(_old_bytes(previous, kept, (end, max(chain([end], (last for _, last in kept))))))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _kept(previous: bytes | None) -> list[Span]:
    """Say where the values of the last versions are, the newest first."""
    if previous is None:
        return []
    footer = pq.read_metadata(pa.BufferReader(previous))
    earlier = json.loads((footer.metadata or {}).get(_KEPT_KEY.encode(), b"[]"))
    spans = [_values(footer), *((int(first), int(last)) for first, last in earlier)]
    return [(first, last) for first, last in spans if _MAGIC_BYTES <= first < last <= len(previous)][:_VERSIONS_KEPT]


def _values(footer: pq.FileMetaData) -> Span:
    chunks = [
        footer.row_group(group).column(column)
        for group in range(footer.num_row_groups)
        if footer.row_group(group).num_rows
        for column in range(footer.num_columns)
    ]
    starts = [min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset))) for chunk in chunks]
    ends = [start + chunk.total_compressed_size for start, chunk in zip(starts, chunks, strict=True)]
    return min(starts, default=0), max(ends, default=0)


def _values_bytes(table: pa.Table, options: Any) -> int:  # noqa: ANN401 # pyarrow's
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table)
        size: int = sink.tell() - _MAGIC_BYTES
    return size


def _first_gap(kept: list[Span], size: int) -> int:
    start = _MAGIC_BYTES
    for first, last in sorted(kept):
        if first - start >= size:
            break
        start = max(start, last)
    return start


def _old_bytes(previous: bytes | None, kept: list[Span], within: Span) -> bytes:
    begin, end = within
    content = bytearray(end - begin)
    for first, last in kept:
        if previous is not None and begin <= first and last <= end:
            content[first - begin : last - begin] = previous[first:last]
    return bytes(content)
