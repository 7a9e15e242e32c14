"""A file may be replaced between two looks of a reader: the old footer still finds its values."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from automl.storage.steady_file import encode_steadily

VERSIONS_KEPT = 3
OPTIONS = {"use_dictionary": True, "write_statistics": True, "store_schema": False}


def encode(rows, previous):
    table = pa.table({"number": pa.array(range(rows), pa.int64()), "text": [f"{rows}:{i}" * 9 for i in range(rows)]})
    return table, encode_steadily(table, previous, metadata={"key": str(rows)}, options=OPTIONS)


def read_with_footer_of(footer_file, data):
    return pq.ParquetFile(pa.BufferReader(data), metadata=pq.read_metadata(pa.BufferReader(footer_file))).read()


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_the_footers_of_the_last_versions_find_their_values_in_the_new_file(sizes):
    versions, previous = [], None
    for rows in sizes:
        table, data = encode(rows, previous)
        previous = data
        versions.append((table, data))
        assert pq.read_table(pa.BufferReader(data)).equals(table)
        for old_table, old_data in versions[-1 - VERSIONS_KEPT :]:
            assert read_with_footer_of(old_data, data).equals(old_table)


def test_a_plain_file_is_replaced_under_its_readers_too():
    table = pa.table({"number": [1, 2, 3]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    plain = sink.getvalue().to_pybytes()
    _, data = encode(20, plain)
    assert read_with_footer_of(plain, data).equals(table)


@pytest.mark.parametrize("growth", [0, 1, 5])
def test_a_file_that_is_replaced_for_ever_does_not_grow_for_ever(growth):
    data = None
    for step in range(60):
        table, data = encode(200 + growth * step, data)
    _, plain = encode(len(table), None)
    assert len(data) < (VERSIONS_KEPT + 3) * len(plain)


def test_what_is_kept_beside_the_table_reads_back():
    _, data = encode(4, None)
    assert pq.read_metadata(pa.BufferReader(data)).metadata[b"key"] == b"4"
