"""A search with a stopping rule, on few images, whose trials train in this process."""

from dataclasses import replace

import torch
from tiny_study import Silent

from automl.core.study import StudySpec
from automl.datasets.dataset import Split
from automl.datasets.load import load_dataset
from automl.measure.latency import LatencyMeter
from automl.pipeline.stage_cache import FolderCache
from automl.pipeline.trial_runner import TrialRunner
from automl.predict.space_predictor import SpacePredictor
from automl.predict.structure import Problem
from automl.search.options import KeepArtifacts
from automl.search.session import SearchSession
from automl.search_problem import SearchProblem
from automl.spaces.load import load_space
from automl.stopping.rules import make_rule, pacer_of
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


class EarlyStudy:
    """A search that may be begun again.

    Args:
        root: Folder of its store and its cache.
        rule: Of stopping.
    """

    def __init__(self, root, rule="asha"):
        self.root = root
        self.rule = rule
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
            early_stopping=self.pacer(known),
        )

    def pacer(self, known):
        problem = SearchProblem(self.space, self.space.objectives, seed=0, known=known)
        return pacer_of(make_rule(self.rule, problem), problem)

    def runner(self):
        return TrialRunner(
            spec=self.spec,
            dataset=self.dataset,
            store=self.store,
            meter=LatencyMeter(state_dir=self.root),
            device=torch.device("cpu"),
            cache=FolderCache(CacheFolder.at(str(self.root), limit_bytes=10**9)),
        )
