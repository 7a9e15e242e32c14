"""The columns are the same whatever a trial did, and rows from before a column was there still read."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from installed_plugins import also_installed
from storage_study import study_spec, study_trial

from automl.core.fidelity import Transition
from automl.core.objective import Objective
from automl.core.width import LayerWidth
from automl.metric import Measurement, Metric, Unit
from automl.registry import METRIC
from automl.storage.columns import CACHED_STEPS, Kind, columns, trial_of
from automl.storage.parquet import decode_trials, encode_trials, merge_trials


@pytest.fixture
def spec():
    return study_spec()


@pytest.mark.parametrize("cached", [{}, {"fit": True}, {"fit": True, "prune": False, "quantize": False, "once": True}])
def test_what_came_from_the_cache_reads_back(spec, cached):
    trial = study_trial(1, cached=cached, seconds={"fit": 0.5, "wait": 2.0, "total": 3.0})
    (read,) = decode_trials(encode_trials([trial], spec), source="memory")
    assert read == trial


def test_every_file_has_the_same_cached_columns_of_the_same_type(spec):
    files = [encode_trials([trial], spec) for trial in (study_trial(0), study_trial(1, cached={"prune": True}))]
    schemas = [pq.read_schema(pa.BufferReader(file)) for file in files]
    for step in CACHED_STEPS:
        assert [str(schema.field(f"cached.{step}").type) for schema in schemas] == ["bool", "bool"]


def test_a_row_without_the_columns_reads(spec):
    trial = study_trial(1)
    (row,) = pq.read_table(pa.BufferReader(encode_trials([trial], spec))).to_pylist()
    old = {name: cell for name, cell in row.items() if not name.startswith(("cached.", "seconds.wait"))}
    assert len(old) == len(row) - len(CACHED_STEPS) - 1
    assert trial_of(old) == trial


WIDTHS = (LayerWidth("conv.0", 32, 22.4, 24), LayerWidth("conv.1", 48, 9.6, None))


def test_widths_read_back(spec):
    trials = [study_trial(0, widths=WIDTHS), study_trial(1)]
    assert decode_trials(encode_trials(trials, spec), source="memory") == trials


def test_every_file_has_the_widths_in_the_same_type(spec):
    pruned, other = (
        pq.read_schema(pa.BufferReader(encode_trials([study_trial(0, widths=widths)], spec))).field("widths")
        for widths in (WIDTHS, ())
    )
    assert pruned == other
    assert str(pruned.type) == "list<element: struct<layer: string, before: int64, asked: double, kept: int64>>"


def test_a_row_without_widths_reads(spec):
    trial = study_trial(1)
    (row,) = pq.read_table(pa.BufferReader(encode_trials([trial], spec))).to_pylist()
    assert row.pop("widths") is None
    assert trial_of(row) == trial


def test_a_row_with_widths_of_another_kind_is_refused(spec):
    (row,) = pq.read_table(pa.BufferReader(encode_trials([study_trial(1)], spec))).to_pylist()
    with pytest.raises(TypeError, match="'conv: 32' is not a list of widths"):
        trial_of(row | {"widths": "conv: 32"})


def test_fidelity_and_notes_read_back(spec):
    trial = study_trial(
        0, fidelity={Transition.FOLD: 0.0, Transition.EXPORT: 0.02}, notes=("one line", "another: with 'quotes'")
    )
    assert decode_trials(encode_trials([trial, study_trial(1)], spec), source="t") == [trial, study_trial(1)]


class Cells(Measurement):
    """A metric of somebody else, in whole numbers."""

    metric = Metric("cells", Unit.COUNT)

    def measure(self, deployed):
        return float(deployed.parameters)


def wishing(spec, metric):
    return spec.model_copy(update={"objectives": (*spec.objectives, Objective.parse(f"{metric}:min"))})


def test_an_optional_metric_has_a_column_only_where_the_study_names_it(spec):
    with also_installed(METRIC, Cells):
        assert "metric.cells" not in columns(spec)
        assert columns(wishing(spec, "cells"))["metric.cells"] is Kind.INTEGER
    assert "metric.macs" not in columns(spec)
    assert columns(wishing(spec, "macs"))["metric.macs"] is Kind.INTEGER


def test_a_row_from_before_a_metric_was_there_reads(spec):
    trial = study_trial(0)
    file = encode_trials([trial], spec)
    wished = wishing(spec, "macs")
    later = study_trial(1, metrics={**study_trial(1).metrics, "macs": 5000.0})
    merged = merge_trials(file, [later], wished, source="memory")
    assert decode_trials(merged, source="memory") == [trial, later]


def test_a_column_keeps_its_type_where_its_metric_is_no_longer_installed(spec):
    wished = wishing(spec, "cells")
    trials = [study_trial(number, metrics={"accuracy": 0.5, "cells": 7.0 + number}) for number in (0, 1)]
    with also_installed(METRIC, Cells):
        file = encode_trials(trials[:1], wished)
    for more in ([], trials[1:]):
        merged = merge_trials(file, more, wished, source="memory")
        assert str(pq.read_schema(pa.BufferReader(merged)).field("metric.cells").type) == "int64"
        assert decode_trials(merged, source="memory") == [trials[0], *more]


def test_every_column_stands_where_its_group_does(spec):
    trial = study_trial(0, fidelity={Transition.FOLD: 0.0}, notes=("a note",))
    names = list(columns(spec, [trial]))
    assert pq.read_schema(pa.BufferReader(encode_trials([trial], spec))).names == names
