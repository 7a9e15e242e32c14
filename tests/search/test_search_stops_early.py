"""A search that ends trials early is one with fewer epochs: what it completes, it completes as if it never paused."""

from dataclasses import replace

import pytest
import torch
from early_study import BUDGET, EPOCHS, RUNG, EarlyStudy

from automl.core.pace import WHOLE
from automl.core.trial import TrialState
from automl.engines.inline_engine import run_inline
from automl.pipeline.stage_cache import FolderCache
from automl.storage.cache import CacheFolder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    torch.set_num_threads(1)
    study = EarlyStudy(tmp_path_factory.mktemp("early"))
    run_inline(study.session(), study.runner())
    return study


def test_a_quarter_of_the_trials_is_completed_and_the_others_say_stopped(study):
    rows = study.store.read()
    assert [row.number for row in rows] == list(range(BUDGET))
    complete = [row for row in rows if row.state is TrialState.COMPLETE]
    stopped = [row for row in rows if row.state is TrialState.STOPPED]
    assert (len(complete), len(stopped)) == (BUDGET // 4, BUDGET - BUDGET // 4)
    assert {row.epochs_trained for row in complete} == {EPOCHS}
    assert {row.epochs_trained for row in stopped} == {RUNG}
    assert all(row.metrics.keys() == {f"accuracy_at_{RUNG}"} for row in stopped)


def test_a_row_that_went_on_tells_its_accuracy_at_the_rung_and_all_else(study):
    for row in study.store.read():
        if row.state is TrialState.COMPLETE:
            assert {f"accuracy_at_{RUNG}", "accuracy", "size_bytes", "latency_ms"} <= row.metrics.keys()
            assert row.artifact is not None


def test_a_trial_that_paused_ends_as_one_that_did_not(study):
    row = next(row for row in study.store.read() if row.state is TrialState.COMPLETE)
    whole = replace(study.runner(), cache=FolderCache(CacheFolder.at(str(study.root / "empty"), limit_bytes=10**9)))
    again = whole._evaluate(row.number, row.point, pace=WHOLE)
    for metric in ("accuracy", "size_bytes", "parameters"):
        assert again.metrics[metric] == row.metrics[metric]


def test_a_larger_budget_goes_on_where_the_search_ended(study):
    before = {row.number: row.state for row in study.store.read()}
    session = study.session(budget=BUDGET + 1)
    assignment = session.next()
    assert assignment.number not in before
    assert assignment.pace.until_epoch == RUNG
    assert study.session().next() is None
