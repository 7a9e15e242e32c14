"""Do pandas, DuckDB and polars read a study whole while it is written and compacted?

    python benchmarks/readers_beside_a_writer.py [COMPACTIONS]

Each reader reads by its line of trials/README.md, again and again, in a process of its own, while another process
writes two rows, replaces one and compacts, some 22 times. Counted are errors, reads with fewer rows than were
written before they began, and reads that hold a number twice. The table goes to standard output.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")

ROWS_BEFORE = 40
PAUSE_SECONDS = 0.15


def duckdb_numbers() -> list[int]:
    """Read the numbers of all rows."""
    import duckdb

    rows = duckdb.sql("from read_parquet('trials/digits/**/*.parquet', union_by_name=true)")
    return [number for (number,) in rows.select("number").fetchall()]


def pandas_numbers() -> list[int]:
    """Read the numbers of all rows."""
    import pandas as pd

    rows = pd.concat(map(pd.read_parquet, Path("trials/digits").glob("**/*.parquet")))
    return list(rows["number"])


def polars_numbers() -> list[int]:
    """Read the numbers of all rows."""
    import polars as pl

    rows = pl.concat(map(pl.read_parquet, Path("trials/digits").glob("**/*.parquet")), how="diagonal")
    return rows["number"].to_list()


READERS: dict[str, Callable[[], list[int]]] = {
    "pandas": pandas_numbers,
    "DuckDB": duckdb_numbers,
    "polars": polars_numbers,
}


def read(name: str, folder: str, written: "Synchronized[int]") -> None:
    """Read until the writer is done, and print one line."""
    os.chdir(folder)
    reads = errors = fewer = twice = 0
    last = ""
    while written.value >= 0:
        expected = written.value
        reads += 1
        try:
            numbers = READERS[name]()
        except Exception as error:  # noqa: BLE001 # whatever a reader raises is counted
            errors, last = errors + 1, f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
            continue
        fewer += len(set(numbers)) < expected
        twice += len(set(numbers)) < len(numbers)
    print(f"{name:8} {reads:6} reads {errors:4} errors {fewer:4} with fewer rows {twice:4} with a row twice  {last}")


def write(folder: str, compactions: int, written: "Synchronized[int]") -> None:
    """Write and compact, and say how many rows there are at least."""
    from storage_study import study_spec, study_trial

    from automl.storage.store import TrialStore

    store = TrialStore.create(f"{folder}/trials", study_spec())
    for number in range(ROWS_BEFORE):
        store.write(study_trial(number))
    written.value = ROWS_BEFORE
    time.sleep(2)  # the readers import
    for step in range(compactions):
        for number in (written.value, written.value + 1):
            store.write(study_trial(number))
        written.value += 2
        store.write(study_trial(step, error="x" * step))
        time.sleep(PAUSE_SECONDS)
        store.compact()
        time.sleep(PAUSE_SECONDS)
    written.value = -1


def main(compactions: int) -> None:
    """Run the writer and the readers at once."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "storage"))
    context = get_context("fork")
    written = context.Value("q", 0)
    with tempfile.TemporaryDirectory() as folder:
        writer = context.Process(target=write, args=(folder, compactions, written))
        writer.start()
        while written.value < ROWS_BEFORE and writer.is_alive():
            time.sleep(0.05)
        readers = [context.Process(target=read, args=(name, folder, written)) for name in READERS]
        for reader in readers:
            reader.start()
        writer.join()
        written.value = -1
        for reader in readers:
            reader.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 22)
