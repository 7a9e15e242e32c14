"""Each common reader takes a whole study in one line, also while it is written."""

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from storage_study import study_spec, study_trial

from automl.core.trial import TrialState
from automl.core.width import LayerWidth
from automl.storage.store import TrialStore

WIDTHS = (LayerWidth("conv.0", 32, 22.4, 24), LayerWidth("conv.1", 48, 9.6, 8))
ROWS_OF_WIDTHS = [(1, "conv.0", 32, 22.4, 24), (1, "conv.1", 48, 9.6, 8), (4, "conv.0", 32, 22.4, 24)]


@pytest.fixture
def spec():
    return study_spec()


@pytest.fixture
def make_trial():
    return study_trial


@pytest.fixture
def in_a_study(tmp_path, spec, make_trial, monkeypatch):
    """Five rows, of which only the last has the metric energy_mj, and 1 and 4 have widths; a torn file."""
    monkeypatch.chdir(tmp_path)
    store = TrialStore.create("trials", spec)
    for number in range(3):
        store.write(make_trial(number, widths=WIDTHS if number == 1 else ()))
    store.compact()
    store.write(make_trial(3, state=TrialState.FAILED, point={}, metrics={}, constraints={}, error="out of memory"))
    store.write(make_trial(4, metrics={"accuracy": 0.99, "size_bytes": 5_000.0, "energy_mj": 2.5}, widths=WIDTHS[:1]))
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "model.onnx").write_bytes(b"PAR1")
    store.write_artifact(4, artifact)
    Path("trials/digits/.tmp/0123456789abcdef").write_bytes(b"PAR1 torn")


@pytest.mark.usefixtures("in_a_study")
def test_duckdb_reads_a_study_in_one_line():
    rows = duckdb.sql("from read_parquet('trials/digits/**/*.parquet', union_by_name=true)")
    query = 'select number, state, "metric.size_bytes", "metric.energy_mj" from rows order by number'
    assert duckdb.sql(query).fetchall() == [
        (0, "COMPLETE", 12_345, None),
        (1, "COMPLETE", 12_345, None),
        (2, "COMPLETE", 12_345, None),
        (3, "FAILED", None, None),
        (4, "COMPLETE", 5_000, 2.5),
    ]
    assert len(rows.columns) > 30


@pytest.mark.usefixtures("in_a_study")
def test_pandas_reads_a_study_in_one_line():
    rows = pd.concat(map(pd.read_parquet, Path("trials/digits").glob("**/*.parquet")))
    rows = rows.sort_values("number")
    assert list(rows["number"]) == [0, 1, 2, 3, 4]
    assert rows["metric.accuracy"].isna().sum() == 1
    assert list(rows["metric.energy_mj"].dropna()) == [2.5]
    assert str(rows["started_at"].dt.tz) == "UTC"


@pytest.mark.usefixtures("in_a_study")
def test_polars_reads_a_study_in_one_line():
    rows = pl.concat(map(pl.read_parquet, Path("trials/digits").glob("**/*.parquet")), how="diagonal")
    rows = rows.sort("number")
    assert rows["number"].to_list() == [0, 1, 2, 3, 4]
    assert rows["metric.size_bytes"].dtype == pl.Int64
    assert rows["metric.energy_mj"].to_list() == [None, None, None, None, 2.5]


@pytest.mark.usefixtures("in_a_study")
def test_duckdb_makes_a_row_of_each_layer_in_one_line():
    rows = duckdb.sql("from read_parquet('trials/digits/**/*.parquet', union_by_name=true)")
    assert len(rows) == 5
    layers = duckdb.sql("select number, unnest(widths, recursive := true) from rows")
    assert layers.columns == ["number", "layer", "before", "asked", "kept"]
    assert sorted(layers.fetchall()) == ROWS_OF_WIDTHS


@pytest.mark.usefixtures("in_a_study")
def test_pandas_makes_a_row_of_each_layer_in_one_line():
    rows = pd.concat(map(pd.read_parquet, Path("trials/digits").glob("**/*.parquet")))
    layers = rows.set_index("number")["widths"].explode().dropna().apply(pd.Series)
    assert sorted(layers.itertuples(name=None)) == ROWS_OF_WIDTHS
    assert list(layers.columns) == ["layer", "before", "asked", "kept"]


@pytest.mark.usefixtures("in_a_study")
def test_polars_makes_a_row_of_each_layer_in_one_line():
    rows = pl.concat(map(pl.read_parquet, Path("trials/digits").glob("**/*.parquet")), how="diagonal")
    layers = rows.select("number", "widths").explode("widths").unnest("widths").drop_nulls("layer")
    assert sorted(layers.iter_rows()) == ROWS_OF_WIDTHS


READERS = {
    "duckdb": lambda pattern: [
        number
        for (number,) in duckdb.sql(f"from read_parquet('{pattern}', union_by_name=true)").select("number").fetchall()
    ],
    "pandas": lambda pattern: list(
        pd.concat(map(pd.read_parquet, Path(pattern.partition("/**")[0]).glob("**/*.parquet")))["number"]
    ),
    "polars": lambda pattern: pl.concat(
        map(pl.read_parquet, Path(pattern.partition("/**")[0]).glob("**/*.parquet")), how="diagonal"
    )["number"].to_list(),
}

_WRITER = """
import sys
from automl.storage.store import TrialStore
from storage_study import study_trial
store = TrialStore.open(sys.argv[1], "digits")
for number in range(1, 10_000):
    store.write(study_trial(number))
    store.write(study_trial(number // 2, error="x" * (number % 50)))
    if number % 5 == 0:
        store.compact()
    print(number, flush=True)
"""


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_beside_a_writer_sees_no_error_and_each_row_once(tmp_path, spec, make_trial, reader):
    store = TrialStore.create(str(tmp_path), spec)
    store.write(make_trial(0))
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    numbers: list[int] = [0]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent) as writer:
        try:
            ends = time.monotonic() + 4
            while time.monotonic() < ends:
                written = int(writer.stdout.readline())
                numbers = READERS[reader](f"{tmp_path}/digits/**/*.parquet")
                assert len(set(numbers)) == len(numbers)
                assert set(range(written + 1)) <= set(numbers)
        finally:
            writer.kill()
    assert len(numbers) > 20
