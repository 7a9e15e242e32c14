"""A search that ends trials early is one with fewer epochs: what it completes, it completes as if it never paused."""

from dataclasses import replace

import pytest
import torch
from tiny_study import Silent

from automl.core.pace import WHOLE
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.dataset import Split
from automl.datasets.load import load_dataset
from automl.engines.inline_engine import run_inline
from automl.measure.latency import LatencyMeter
from automl.pipeline.stage_cache import FolderCache
from automl.pipeline.trial_runner import TrialRunner
from automl.predict.space_predictor import SpacePredictor
from automl.predict.structure import Problem
from automl.search.options import KeepArtifacts
from automl.search.session import SearchSession
from automl.spaces.load import load_space
from automl.stopping.early_stopping import EarlyStopping, Rungs
from automl.stopping.rung_losses import RungLosses
from automl.storage.cache import CacheFolder
from automl.storage.store import TrialStore
from automl.suggest.optuna_suggester import OptunaSuggester

BUDGET = 8
EPOCHS = 6
RUNG = 2
SPACE = f"""
objectives: [accuracy:max, size_bytes:min]
architecture:
  conv_net: {{depth: 2, width_1: {{min: 8, max: 80, step: 8}}, width_2: 16, kernel: 3, activation: relu}}
training: {{epochs: {EPOCHS}, batch_size: 32}}
"""


class Study:
    """A search that may be begun again."""

    def __init__(self, root):
        self.root = root
        (root / "widths.yaml").write_text(SPACE)
        self.space = load_space(str(root / "widths.yaml"))
        digits = load_dataset("digits")
        self.dataset = replace(digits, train=Split(digits.train.images[:128], digits.train.labels[:128]))
        self.spec = StudySpec(
            name="widths",
            space=self.space,
            dataset="digits",
            dataset_fingerprint=self.dataset.fingerprint,
            objectives=self.space.objectives,
            constraints=(),
            seed=0,
            versions={},
            created_at="2026-03-01T12:00:00Z",
        )
        self.store = TrialStore.open_or_create(str(root / "trials"), self.spec)

    def session(self, *, budget=BUDGET):
        known = SpacePredictor(
            self.space, Problem(self.dataset.image_shape, self.dataset.task, self.dataset.normalization)
        )
        suggester = OptunaSuggester(self.space, self.space.objectives, sampler="random", seed=0)
        return SearchSession(
            self.store,
            suggester,
            budget=budget,
            keep=KeepArtifacts.ALL,
            listener=Silent(),
            early_stopping=EarlyStopping(Rungs.of(EPOCHS), RungLosses(self.space.objectives, known)),
        )

    def runner(self):
        return TrialRunner(
            spec=self.spec,
            dataset=self.dataset,
            store=self.store,
            meter=LatencyMeter(state_dir=self.root),
            device=torch.device("cpu"),
            cache=FolderCache(CacheFolder.at(str(self.root), limit_bytes=10**9)),
        )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    torch.set_num_threads(1)
    study = Study(tmp_path_factory.mktemp("early"))
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
