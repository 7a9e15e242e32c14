"""A search as it is asked for: what it is about, and the options that the command line and Python share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import ConfigDict, InstanceOf

from automl.core.space import SearchSpace
from automl.core.study import check_study_name
from automl.datasets.dataset import Dataset
from automl.datasets.given import given_dataset
from automl.datasets.load import load_dataset
from automl.engines.cluster import LOCAL
from automl.errors import UsageError
from automl.measure.runtime import check_target
from automl.measure.targets import runtime_of
from automl.registry import STOPPING
from automl.search.measured_metrics import check_wishes
from automl.search.options import SearchOptions
from automl.search.own_network import with_model
from automl.search.task_choice import check_task, fitted_objectives
from automl.spaces.load import load_space
from automl.suggest.samplers import check_sampler

if TYPE_CHECKING:  # torch takes seconds to import
    from automl.search.own_network import Model

_SEEDS = 2**32


def _dataset(data: object, task: str | None) -> str | Dataset:
    return data if isinstance(data, str | Dataset) else given_dataset(data, task)


class SearchRequest(SearchOptions):
    """What a user asks for.

    Attributes:
        space: Where to search, with the user's own network and augmentation in it.
        study: Name of the study; a study of this name is continued.
        dataset: Data set to train on and measure with, or the text that names it.
        objectives: What is better; at least one.
        has_own_objectives: Whether the user stated them; otherwise they are those of the space.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    space: InstanceOf[SearchSpace]
    study: str
    dataset: str | InstanceOf[Dataset]
    has_own_objectives: bool = True

    @classmethod
    def about(
        cls,
        space: str | Path | SearchSpace,
        data: object,
        options: SearchOptions,
        *,
        model: "Model | None" = None,
    ) -> Self:
        """Complete the options with what they are about.

        Args:
            space: A shipped space by name, a space file by path, or a space.
            data: A text that names a data set, a data set, or what ``given_dataset`` takes; that of the space where
                absent.
            options: What the user chose; the space says the rest.
            model: The user's own network, in place of a searched one.

        Raises:
            UsageError: If there is no such space or network.
        """
        found = space if isinstance(space, SearchSpace) else load_space(str(space))
        study = found.name
        if model is not None:
            found, name = with_model(found, model)
            study = f"{study}-{name}"
        if options.augmentation is not None:
            found = found.with_augmentation(options.augmentation)
        chosen = {name: getattr(options, name) for name in SearchOptions.model_fields}
        return cls(
            **{
                **chosen,
                "space": found,
                "study": study if options.study is None else options.study,
                "dataset": found.dataset if data is None else _dataset(data, options.task or found.task),
                "objectives": options.objectives or found.objectives,
                "has_own_objectives": bool(options.objectives),
            }
        )

    def loaded(self) -> Self:
        """Load the data, where they are named by a text, and fit the objectives of the space to their task.

        Raises:
            DatasetError: If the data cannot be loaded, or are not of the task.
            PluginError: If there is no such task.
            UsageError: If the request asks for what the task makes nonsense of.
        """
        task = self.task or self.space.task
        dataset = load_dataset(self.dataset, task) if isinstance(self.dataset, str) else self.dataset
        stated = self.objectives if self.has_own_objectives else ()
        check_task(dataset.task, self.space.training, [*stated, *self.constraints])
        objectives = stated or fitted_objectives(self.objectives, dataset.task)
        return self.model_copy(update={"dataset": dataset, "objectives": objectives})

    @property
    def data(self) -> Dataset:
        """The data set, which must be loaded."""
        if isinstance(self.dataset, str):
            raise TypeError(f"the data {self.dataset!r} are not loaded yet")
        return self.dataset

    def check(self) -> None:
        """Refuse what cannot be run.

        Raises:
            UsageError: Naming the value, or what this host lacks for the target.
        """
        if self.budget < 1:
            raise UsageError(f"a budget of {self.budget} trials finds nothing; give --budget 1 or more")
        check_study_name(self.study)
        if not self.store.strip():
            raise UsageError("the store has no name; give --store DIR or a URI, or leave it out")
        if self.from_study == self.study:
            raise UsageError(f"study {self.study!r} cannot begin with its own front; leave --from-study out")
        check_sampler(self.sampler)
        if self.is_stopping_early:  # a rule that cannot be used is refused before anything is written
            STOPPING.load(self.early_stopping)
        if not 0 <= self.seed < _SEEDS:
            raise UsageError(f"seed {self.seed} is outside 0 to {_SEEDS - 1}; give another --seed")
        check_wishes(self.objectives, self.constraints)
        self._check_target()
        self.cluster.check()

    def notes(self) -> list[str]:
        """Say what is legal and perhaps not meant, a line each."""
        processors = os.cpu_count() or 1
        if self.cluster.address != LOCAL or runtime_of(self.target).needs_gpu or self.target.threads <= processors:
            return []
        threads = f"{self.target.threads} threads and this host has {processors} processors"
        return [f"target {self.target} asks for {threads}: its latency is that of threads that wait for each other"]

    def _check_target(self) -> None:
        check_target(self.target)
        if runtime_of(self.target).needs_gpu and self.cluster.gpus_per_trial == 0:
            raise UsageError(
                f"target {self.target} measures on a GPU, and Ray shows a trial none that it was not given; "
                "give --gpus-per-trial 1, or less where trials share one"
            )
