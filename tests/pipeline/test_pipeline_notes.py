"""What a trial warns of stands in its row, whether its stages ran or came from the cache."""

import logging
from dataclasses import replace

import pytest
import torch
from small_trials import FLOAT, Careless, folder_cache, installed, runner_of, small_dataset, small_space

from automl.core.study import StudySpec
from automl.measure.latency import LatencyMeter
from automl.pipeline.notes import noted
from automl.pipeline.trial_runner import TrialRunner
from automl.storage.store import TrialStore
from automl_plugins.tasks.classification import Classification

POINT = {**FLOAT, "pruner": "careless", "sparsity.level": 0.5}


@pytest.fixture(autouse=True)
def techniques():
    with installed():
        yield


@pytest.fixture
def warning_pruner(monkeypatch):
    def prune(_self, model, _sparsity, _context):
        logging.getLogger("automl_plugins.careless").warning("these layers keep all channels:\n%s", "layer 'a'")
        return model

    monkeypatch.setattr(Careless, "prune", prune)


def test_warnings_are_noted_a_line_each_and_nothing_else_is():
    with noted() as notes:
        logging.getLogger("automl.anything").warning("first\nline, %d", 2)
        logging.getLogger("automl_plugins.anything").error("second")
        logging.getLogger("automl.anything").info("no")
        logging.getLogger("elsewhere").warning("no")
    logging.getLogger("automl.anything").warning("no more")
    assert notes == ["first line, 2", "second"]


@pytest.mark.usefixtures("warning_pruner")
def test_a_result_from_the_cache_warns_as_when_it_was_made(tmp_path):
    cache = folder_cache(tmp_path)
    first, again = runner_of("careless", cache), runner_of("careless", cache)
    assert first.run().notes == ("these layers keep all channels: layer 'a'",)
    assert again.run().notes == first.run().notes
    assert again.cached["prune"]


@pytest.mark.usefixtures("warning_pruner")
def test_notes_stand_in_the_row_once(tmp_path):
    space = small_space()
    spec = StudySpec(
        name="small",
        space=space,
        dataset="patterns",
        dataset_fingerprint="patterns",
        objectives=space.objectives,
        constraints=(),
        seed=3,
        versions={},
        created_at="2026-03-01T12:00:00Z",
    )
    store = TrialStore.create(str(tmp_path / "trials"), spec)
    data = replace(small_dataset(), task=Classification(outputs=4))
    meter = LatencyMeter(state_dir=tmp_path / "state")
    runner = TrialRunner(spec, data, store, meter, torch.device("cpu"), folder_cache(tmp_path))
    rows = [runner.run(number, POINT) for number in (0, 1)]
    assert [row.notes for row in rows] == [("these layers keep all channels: layer 'a'",)] * 2, rows[0].error_traceback
    assert [row.notes for row in store.read()] == [row.notes for row in rows]
