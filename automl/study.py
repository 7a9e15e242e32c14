"""The Python front door: a search, and the study that it leaves, as a user of a notebook meets them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from automl.core.objective import Constraint, Objective
from automl.core.pareto import pareto_front
from automl.core.space import SearchSpace
from automl.core.study import StudySpec
from automl.core.target import Target
from automl.core.trial import Trial
from automl.errors import StoreError, UsageError
from automl.search.options import DEFAULT_STORE, SearchOptions
from automl.storage.parquet import frame_of
from automl.storage.store import TrialStore
from automl.stored_trial import StoredTrial

if TYPE_CHECKING:  # they take seconds to import
    import pandas as pd
    from torch import Tensor, nn

    from automl.datasets.dataset import Dataset


class Study:
    """A search with its trials; ``search`` and ``open_study`` give it. It reads the store at each call.

    Args:
        store: Its folder.
        root: Folder or URI that the store was opened at.
        dataset: Its data; loaded by name when first needed, where absent.
        problems: What the end of the search could not do, a line each.
    """

    def __init__(
        self, store: TrialStore, root: str, *, dataset: "Dataset | None" = None, problems: Iterable[str] = ()
    ) -> None:
        self._store = store
        self._root = root
        self._data = dataset
        self.problems = tuple(problems)

    @property
    def name(self) -> str:
        """Its name, which is that of its folder."""
        return self._store.spec.name

    @property
    def spec(self) -> StudySpec:
        """What is searched, for what, and from which seed."""
        return self._store.spec

    def trials(self) -> "pd.DataFrame":
        """Give every trial, a row each, under the store's own column names: ``param.*``, ``metric.*``, ``seconds.*``.

        The frame is what ``pandas.read_parquet`` makes of the study's ``trials.parquet``.
        """
        return frame_of(self._store.read(), self._store.spec)

    def front(self) -> list[StoredTrial]:
        """Give the trials that no other beats in every objective, of those that keep every limit; best first.

        They are in the order of the first objective.
        """
        first = self.spec.objectives[0]
        front = pareto_front(self._store.read(), self.spec.objectives)
        return [self._stored(trial) for trial in sorted(front, key=lambda each: first.loss(each.metrics[first.metric]))]

    def trial(self, number: int) -> StoredTrial:
        """Give one trial.

        Raises:
            StoreError: If there is none of this number.
        """
        trials = {trial.number: trial for trial in self._store.read()}
        if number not in trials:
            known = f"it has {len(trials)}, numbered {min(trials)} to {max(trials)}" if trials else "it has none yet"
            raise StoreError(f"study {self.name!r} has no trial {number}: {known}; see `automl trials {self.name}`")
        return self._stored(trials[number])

    def inputs(self, images: "NDArray[np.uint8] | Tensor") -> "Tensor":
        """Turn raw images into what a loaded network takes: normalised as the deployed file does itself.

        Args:
            images: uint8, shape (N, C, H, W).
        """
        import torch

        from automl.training.batches import normalize

        return normalize(torch.as_tensor(images), self.dataset.normalization)

    @property
    def dataset(self) -> "Dataset":
        """The images that it was searched with: ``train``, ``validation`` and ``test``, each uint8 with labels.

        Raises:
            DatasetError: If they cannot be loaded again, as where they were handed over by another program.
            UsageError: If they are no longer those of the study.
        """
        if self._data is None:
            from automl.datasets.load import load_dataset

            self._data = _checked(load_dataset(self.spec.dataset, self.spec.task), self.spec)
        return self._data

    def _stored(self, trial: Trial) -> StoredTrial:
        return StoredTrial(self._store, trial, root=self._root, dataset=lambda: self.dataset)

    def __repr__(self) -> str:
        trials, objectives = self._store.read(), self.spec.objectives
        members = len(pareto_front(trials, objectives))
        return f"<study {self.name}: {len(trials)} trials, {members} on the front of {', '.join(map(str, objectives))}>"


def search(
    space: str | Path | SearchSpace = "digits",
    data: Any = None,  # noqa: ANN401 # arrays, data sets of torch, or a text: see given_dataset
    *,
    model: "str | nn.Module | Callable[[], nn.Module] | None" = None,
    budget: int = 100,
    study: str | None = None,
    task: str | None = None,
    augmentation: str | None = None,
    objectives: Iterable[str | Objective] = (),
    constraints: Iterable[str | Constraint] = (),
    sampler: str = "auto",
    seed: int = 0,
    address: str = "local",
    workers: int | None = None,
    gpus_per_trial: float = 0.0,
    target: str | Target = "cpu:1",
    time_budget: str | float | None = None,
    enqueue: str | Path | None = None,
    from_study: str | None = None,
    early_stopping: str = "off",
    keep_artifacts: str = "front",
    cache_size: str | int = "10GB",
    no_cache: bool = False,
    store: str | Path = DEFAULT_STORE,
    progress: bool | None = None,
) -> Study:
    """Search until the budget is used, and give the study.

    The same call again continues the study: completed trials are never run twice. Ctrl-C ends the search cleanly and
    raises KeyboardInterrupt; trials that were complete by then are kept.

    Args:
        space: A shipped space by name, a space file by path, or a space that ``load_space`` gave.
        data: A text such as ``parquet:DIR``; a tuple of four or six arrays; data sets of torch. The space's own where
            absent. ``docs/python.md`` lists all forms.
        model: Your own network, in place of a searched one: a module, which is copied and never changed; a function
            that returns one, called once; or ``MODULE:CALLABLE``.
        budget: Trials that the study shall have, earlier runs included.
        study: Its name; that of the space, and of the network, where absent.
        task: What the networks do with the images, as ``classification`` or ``regression``; as the space or the labels
            say where absent: floats are numbers to tell, integers are classes.
        augmentation: How training images are varied: none, shift, flip or shift_and_flip.
        objectives: What is better, as in ``["accuracy:max", "size_bytes:min"]``; the space's where absent.
        constraints: What a network must keep to, as in ``["size_bytes<=50kB"]``.
        sampler: What proposes the points.
        seed: Of the search and of every trial.
        address: Ray cluster: local, auto or HOST:PORT.
        workers: Trials at a time; one a processor where absent.
        gpus_per_trial: GPUs, or a part of one, for each trial.
        target: Runtime, threads and images a run that every figure is for.
        time_budget: Begin no trial after so long: seconds, or a text such as ``"30m"``.
        enqueue: JSON file of points to try first.
        from_study: Begin with the front of an earlier study of the same store, and learn from all of it.
        early_stopping: A stopping rule by name; ``auto`` lets trials wait after a tenth of their epochs, and the best
            quarter goes on.
        keep_artifacts: Which deployable files stay in the store: front, all or none.
        cache_size: What the results that trials share may take in the store: bytes, or a text such as ``"10GB"``.
        no_cache: Train every network anew.
        store: Folder or URI of the trial store.
        progress: None shows a bar on a terminal and in a notebook, and elsewhere only what a user should know; True
            shows lines elsewhere; False shows only what a user should know, everywhere.

    Raises:
        UsageError: If the input makes no sense, naming the value.
        SearchError: If the first ten trials all failed.
    """
    given = locals()
    from rich.console import Console

    from automl.report.progress import search_progress
    from automl.search.request import SearchRequest
    from automl.search.run import ready, run_search

    options = SearchOptions.read({name: given[name] for name in SearchOptions.model_fields})
    request = ready(SearchRequest.about(space, data, options, model=model))
    console = Console(stderr=True)
    with search_progress(
        console, request.objectives, shows_bar=progress is not False, shows_lines=progress is True
    ) as listener:
        result = run_search(request, listener)
    for line in (*map(str, result.failed), *result.problems):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if result.is_interrupted:
        raise KeyboardInterrupt(
            f"the search was interrupted after {len(result.trials)} trials, which are kept: call it again to go on, "
            f"or open them with automl.open_study({request.study!r})"
        )
    return Study(result.store, request.store, dataset=request.data, problems=result.problems)


def open_study(
    name: str,
    *,
    store: str | Path = DEFAULT_STORE,
    data: Any = None,  # noqa: ANN401 # as for ``search``
    model: "str | nn.Module | Callable[[], nn.Module] | None" = None,
) -> Study:
    """Open a study that a search left, of Python or of the command line.

    Args:
        name: Its name.
        store: Folder or URI of the trial store.
        data: What the search was given, where that was arrays or data sets: loading a network needs them.
        model: What the search was given, where that was a module or a function: loading a network needs it.

    Raises:
        StoreError: If there is no such study.
        UsageError: If the data or the network are not those of the study.
    """
    opened = TrialStore.open(str(store), name)
    if model is not None:
        from automl.search.own_network import with_model

        before, given = opened.spec.space.constants, with_model(opened.spec.space, model).space.constants
        changed = [key for key in given if before.get(key) != given[key]]
        if changed:
            raise UsageError(
                f"study {name!r} is of another network ({changed[0]}: stored {before.get(changed[0], 'none')}, now "
                f"{given[changed[0]]}); give the one that it was searched with"
            )
    return Study(
        opened, str(store), dataset=None if data is None else _checked(_loaded(data, opened.spec.task), opened.spec)
    )


def _loaded(data: object, task: str | None) -> "Dataset":
    from automl.datasets.given import given_dataset
    from automl.datasets.load import load_dataset

    return load_dataset(data, task) if isinstance(data, str) else given_dataset(data, task)


def _checked(dataset: "Dataset", spec: StudySpec) -> "Dataset":
    if dataset.fingerprint != spec.dataset_fingerprint:
        raise UsageError(
            f"data {dataset.spec!r} are not those of study {spec.name!r} (fingerprint {dataset.fingerprint[:12]}, "
            f"stored {spec.dataset_fingerprint[:12]}); give the data that it was searched with"
        )
    return dataset
