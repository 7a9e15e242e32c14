"""Tables say what a trial is and how it did, in 80 columns."""

import csv
import io
import json
import math
from dataclasses import replace

import pytest
from report_study import study_spec, study_trials
from rich.console import Console

from automl.core.fidelity import Transition
from automl.core.objective import Constraint
from automl.core.space import ProfileSpec
from automl.core.stage import Stage
from automl.core.trial import TrialState
from automl.core.width import LayerWidth
from automl.report.rows import csv_rows, trial_rows
from automl.report.tables import describe_point, front_table, limit_lines, misses_table, trial_details, trials_table
from automl.report.units import MISSING, human_metric
from automl.storage.columns import columns

WIDTHS = (LayerWidth("stages.0.conv", 32, 22.4, 24), LayerWidth("stages.1.conv", 48, 9.6, None))


@pytest.fixture
def spec():
    return study_spec()


@pytest.fixture
def trials():
    return study_trials()


def printed(renderable, width=80) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def line_of(text, number) -> str:
    return next(line for line in text.splitlines() if line.replace("★", "").split()[:1] == [str(number)])


def test_the_front_shows_objectives_with_units_beside_the_test_figure(trials, spec):
    text = printed(front_table(trials, spec), width=120)
    assert "2 of 5 trials" in text
    row = line_of(text, 0)
    for words in ("98.61 %", "97.22 %", "12.4 kB", "34.2 µs", "conv_net: depth 3, width 16-16-32"):
        assert words in row
    assert row.index("98.61") < row.index("97.22") < row.index("12.4 kB")


def test_the_front_leaves_out_trials_that_break_a_limit_or_did_not_end(trials, spec):
    text = printed(front_table(trials, spec))
    assert "99.17 %" not in text
    assert "41.00 %" not in text


def test_the_front_has_no_test_column_before_the_test_split_was_read(trials, spec):
    untested = replace(trials[0], metrics={"accuracy": 0.9, "size_bytes": 1_000.0, "latency_ms": 0.1})
    assert "on test" not in printed(front_table([untested], spec))


def test_a_front_without_members_is_still_a_table(spec):
    assert "0 of 0 trials" in printed(front_table([], spec))


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_and_cut_no_number(trials, spec, width):
    for table in (front_table(trials, spec), trials_table(trials, spec)):
        text = printed(table, width)
        assert max(map(len, text.splitlines())) <= width
        for words in ("98.61 %", "12.4 kB", "34.2 µs", "accuracy ↑", "size ↓", "latency ↓"):
            assert words in text
        assert "…" not in text


def test_the_list_of_trials_marks_the_front_and_says_what_went_wrong(trials, spec):
    text = printed(trials_table(trials, spec), width=120)
    assert [("★" in line_of(text, number)) for number in range(5)] == [True, False, False, True, False]
    assert "size above 50.0 kB" in line_of(text, 1)
    assert "shapes [8, 16] do not match" in line_of(text, 2)
    assert MISSING in line_of(text, 4)
    assert "after 7 epochs" in line_of(text, 4)
    after_one = printed(trials_table([replace(trials[4], epochs_trained=1)], spec), width=120)
    assert after_one.rstrip().endswith("after 1 epoch")


def test_an_error_of_several_lines_shows_its_first(trials, spec):
    failed = replace(trials[2], error="first\nsecond")
    text = printed(trials_table([failed], spec))
    assert "first" in text
    assert "second" not in text


def test_details_of_a_complete_trial_have_every_group(trials, spec):
    text = printed(trial_details(trials[0], spec))
    for words in (
        "trial 0 of digits  COMPLETE",
        "conv_net.kernel",
        "(fixed)",
        "34.2 µs  (33.1 µs to 35.9 µs)",
        "0.11 points",
        "kept, 37,600 to spare",
        "artifacts/000000",
        "torch 2.13.0, onnxruntime 1.31.0",
    ):
        assert words in text
    assert "latency low" not in text
    bars = {line.split()[0]: line.count("█") for line in text.splitlines() if "█" in line}
    assert bars["fit"] > bars["prune"] > bars["measure"]
    assert "error" not in text


def test_details_of_a_failed_trial_have_the_traceback(trials, spec):
    text = printed(trial_details(trials[2], spec))
    assert "shapes [8, 16] do not match" in text
    assert 'File "net.py", line 3, in forward' in text
    assert "not kept" in text


def test_a_broken_limit_is_said_by_how_much(trials, spec):
    assert "broken by 11,000" in printed(trial_details(trials[1], spec))


def test_a_point_is_summed_up_by_its_stages(trials, spec):
    summary = describe_point(trials[0].point, spec.space.constants, profiles=spec.space.profiles)
    assert summary == (
        "conv_net: depth 3, width 16-16-32, relu, kernel 3 · l1_norm, sparsity 30 to 50 % · qat, 4 to 6 bits"
    )


def test_a_distiller_stands_at_the_end_of_the_summary(trials, spec):
    point = {**trials[0].point, "distiller": "dynamic_layerwise", "dynamic_layerwise.weight": 0.5}
    summary = describe_point(point, spec.space.constants, profiles=spec.space.profiles)
    assert summary.endswith("· qat, 4 to 6 bits · dynamic_layerwise")


def test_a_stage_without_a_technique_is_left_out_with_its_profile(spec):
    point = {"conv_net.depth": 1, "pruner": "none"}
    constants = {**spec.space.constants, "sparsity.level": 0.5}
    assert describe_point(point, constants, profiles=spec.space.profiles) == "conv_net: depth 1, kernel 3"


def test_switches_and_profiles_are_described():
    sparsity = ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=1)
    point = {"net.residual": True, "net.batch_norm": False, "sparsity.level": 0.5, "sparsity.offset_0": -0.25}
    constants = {"architecture": "net", "pruner": "level"}
    summary = describe_point(point, constants, profiles={Stage.PRUNER: sparsity})
    assert summary == "net: residual, no batch norm · level, sparsity 25 %"


def test_an_empty_point_has_a_summary():
    assert describe_point({}, {}, profiles={}) == "no choices"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("test_accuracy", 1.0, "100.00 %"),
        ("size_bytes", 999.0, "999 B"),
        ("latency_ms", 0.00042, "0.42 µs"),
        ("latency_ms", 3.456, "3.46 ms"),
        ("latency_ms", 1234.5, "1,234 ms"),
        ("train_seconds", 61.0, "1m 01s"),
        ("parameters", 12345.0, "12,345"),
        ("latency_reference_ratio", 0.5219, "0.522"),
        ("accuracy", None, MISSING),
        ("accuracy", math.nan, MISSING),
        ("energy", math.inf, "inf"),
    ],
)
def test_a_metric_is_formatted_by_the_unit_in_its_name(name, value, text):
    assert human_metric(name, value) == text


def test_rows_have_the_columns_of_the_store_and_none_for_what_is_absent(trials, spec):
    rows = trial_rows(trials, spec)
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4]
    assert all(list(row) == list(columns(spec, trials)) for row in rows)
    assert rows[2]["metric.accuracy"] is None
    assert rows[2]["state"] == TrialState.FAILED.value
    assert rows[0]["metric.size_bytes"] == 12_400
    assert rows[0]["started_at"] == "2026-03-01T12:00:00+00:00"


def test_rows_are_strict_json_and_csv(trials, spec):
    unknown = replace(trials[0], constraints={"size_bytes<=50000": math.nan}, metrics={"accuracy": math.nan})
    pruned = replace(trials[0], widths=WIDTHS)
    rows = trial_rows([*trials, unknown, pruned], spec)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(csv_rows([*trials, unknown, pruned], spec))
    read = list(csv.DictReader(io.StringIO(sink.getvalue())))
    assert len(read) == len(rows)
    assert json.loads(read[-1]["widths"]) == rows[-1]["widths"] == [
        {"layer": "stages.0.conv", "before": 32, "asked": 22.4, "kept": 24},
        {"layer": "stages.1.conv", "before": 48, "asked": 9.6, "kept": None},
    ]  # fmt: skip


def test_details_of_a_trial_with_pruned_channels_have_a_line_a_layer(trials, spec):
    lines = printed(trial_details(replace(trials[0], widths=WIDTHS), spec)).splitlines()
    start = lines.index("channels")
    assert [line.split() for line in lines[start + 1 : start + 4]] == [
        ["before", "→", "asked", "→", "kept"],
        ["stages.0.conv", "32", "→", "22.4", "→", "24"],
        ["stages.1.conv", "48", "→", "9.6", "→", MISSING],
    ]
    assert "channels" not in printed(trial_details(trials[0], spec))


def test_rewrites_speak_of_logits_only_where_the_task_has_any(trials, spec):
    moved = replace(trials[0], fidelity={Transition.FOLD: 0.0, Transition.QUANTIZE: 0.034})
    for task, called in (("classification", "logits"), ("regression", "outputs"), ("of_a_plugin_gone", "outputs")):
        text = printed(trial_details(moved, spec.model_copy(update={"task": task})))
        assert f"the same {called}, but for rounding" in text
        assert f"{called} moved by 3.40% of their spread" in text


def test_steps_from_the_cache_are_named_where_the_time_went(trials, spec):
    cached = {"fit": True, "prune": True, "quantize": False}
    trial = replace(trials[0], cached=cached, seconds={"prune": 0.1, "total": 2.0})
    lines = [" ".join(line.split()) for line in printed(trial_details(trial, spec)).splitlines()]
    assert [line for line in lines if "cache" in line] == [
        f"fit {MISSING} from the cache",
        "prune 0.100 s from the cache",
    ]


def unsure(trial):
    return replace(trial, metrics={**trial.metrics, "latency_is_gated": 0.0})


def test_a_latency_that_was_not_sure_has_a_star_and_the_star_a_footnote(trials, spec):
    sure = replace(trials[3], metrics={**trials[3].metrics, "latency_is_gated": 1.0})
    some = [unsure(trials[0]), sure]
    for shown in (front_table(some, spec), trials_table(some, spec), trial_details(some[0], spec)):
        text = printed(shown, width=160)
        assert "34.2 µs*" in text
        assert "11.0 µs*" not in text
        assert text.count("* the machine was never at its best while this was measured") == 1


def test_nothing_has_a_star_where_all_latencies_are_sure_or_unknown(trials, spec):
    for shown in (front_table(trials, spec), trials_table(trials, spec), trial_details(trials[0], spec)):
        assert "*" not in printed(shown)


def test_the_latency_of_an_idle_machine_has_its_own_star(trials, spec):
    final = {"latency_is_gated": 1.0, "latency_idle_ms": 0.05, "latency_idle_is_gated": 0.0}
    text = printed(trial_details(replace(trials[0], metrics={**trials[0].metrics, **final}), spec))
    assert "50.0 µs*" in text
    assert "34.2 µs*" not in text


def test_the_nearest_misses_are_shown_with_what_each_breaks(trials, spec):
    far = replace(trials[1], number=7, constraints={"size_bytes<=50000": 60_000.0})
    text = printed(misses_table([far, trials[1], trials[2]], spec), width=120)
    assert "Nearest misses of digits" in text
    assert "size above 50.0 kB" in line_of(text, 1)
    assert text.index("61.0 kB") < text.index(" 7 ")


def test_each_limit_is_told_with_how_many_keep_it_and_the_nearest(trials, spec):
    assert limit_lines(trials, spec) == ["size_bytes<=50000: 2 of 3 trials keep it; the smallest is 3.1 kB"]
    assert limit_lines(trials[1:2], spec) == ["size_bytes<=50000: 0 of 1 trials keep it; the smallest is 61.0 kB"]
    assert limit_lines(trials[2:3], spec) == ["size_bytes<=50000: 0 of 0 trials keep it"]
    accurate = spec.model_copy(update={"constraints": (Constraint.parse("accuracy>=99.9%"),)})
    assert limit_lines(trials, accurate) == ["accuracy>=0.999: 0 of 3 trials keep it; the largest is 99.17 %"]
