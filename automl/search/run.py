"""One search, from the request to the measured front."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from automl.core.failed_technique import FailedTechnique, failed_techniques
from automl.core.installed_metrics import metric_named
from automl.core.objective import Objective
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.core.value import Scalar
from automl.datasets.dataset import Dataset
from automl.errors import SearchError, StoreError
from automl.measure.latency import LatencyMeter
from automl.measurements import unmeasured_claims
from automl.predict.space_predictor import NETWORKS, SpacePredictor
from automl.predict.structure import Problem
from automl.registry import SAMPLER, STOPPING
from automl.sampler import AnySampler, Sampler
from automl.search.data_notes import data_notes
from automl.search.final_front import measure_front
from automl.search.options import KeepArtifacts
from automl.search.request import SearchRequest
from automl.search.session import SearchListener, SearchSession, drop_artifact, worth_keeping
from automl.search.start import Start, earlier_study, read_points
from automl.search.versions import library_versions
from automl.search_problem import Cost, KnownMetrics, SearchProblem
from automl.stopping.rules import Pacer, make_rule, pacer_of
from automl.storage.hold import held_study
from automl.storage.store import TrialStore, study_folder
from automl.suggest.answering_suggester import AnsweringSuggester
from automl.suggest.paid_points import PaidPoints, PayingSuggester
from automl.suggest.samplers import make_suggester, sampler_class
from automl.suggest.suggester import Suggester, point_key, random_point
from automl.task import Task

_LATENCY_DRAWS = 4 * NETWORKS
"""Random points for learning latency: some cannot be built, or were measured on a busy host."""
_LEARNING_SECONDS = 20
"""What a search may spend on it before its first trial (chosen by hand)."""


@dataclass(frozen=True)
class SearchResult:
    """How a search ended.

    Attributes:
        store: The study.
        trials: All its trials.
        is_interrupted: Whether the user ended it before the budget was used.
        is_exhausted: Whether the space has no more points.
        is_out_of_time: Whether the time budget ended it.
        failed: Techniques that failed in every trial that used them.
        problems: What could not be measured or tidied up at the end, a line each.
    """

    store: TrialStore
    trials: Sequence[Trial]
    is_interrupted: bool
    is_exhausted: bool
    is_out_of_time: bool
    failed: Sequence[FailedTechnique] = ()
    problems: Sequence[str] = ()


def ready(request: SearchRequest) -> SearchRequest:
    """Refuse what cannot be run, then load the data: the objectives may depend on them.

    Raises:
        UsageError: If the request makes no sense.
        DatasetError: If the data cannot be loaded.
        PluginError: If there is no such sampler or task.
    """
    request.check()
    if not _uses_predictions(sampler_class(request.sampler)):
        _suggester(request)  # one that cannot be used is refused before anything is loaded
    return request.loaded()


def run_search(request: SearchRequest, listener: SearchListener) -> SearchResult:
    """Search until the budget is used, then measure the front once more.

    Args:
        request: Whether or not it is ready.
        listener: Is told how the search goes on.

    Raises:
        UsageError: If the request makes no sense, or another process searches the study; nothing was written.
        DatasetError: If the data cannot be loaded.
        PluginError: If there is no such sampler or task.
        SearchError: If the first ten trials all failed.
    """
    deadline = time.monotonic() + request.time_budget
    request = ready(request)
    suggester = None if _uses_predictions(sampler_class(request.sampler)) else _suggester(request)
    dataset = request.data
    notes = [
        *request.notes(),
        *unmeasured_claims(),
        *dataset.notes,
        *data_notes(request),
    ]
    if request.space.training.augmentation is None:
        request = request.model_copy(update={"space": request.space.with_augmentation(dataset.augmentation)})
    spec = _spec(request, dataset)
    start = _start(request, spec)  # the last of the input: holding the study writes
    with held_study(study_folder(request.store, request.study), name=request.study) as hold:
        store = TrialStore.open_or_create(request.store, spec).under(hold)
        for note in notes:
            listener.on_note(note)
        return _search(request, store, dataset, listener, suggester=suggester, start=start, deadline=deadline)


def _search(
    request: SearchRequest,
    store: TrialStore,
    dataset: Dataset,
    listener: SearchListener,
    *,
    suggester: Suggester | None,
    start: Start,
    deadline: float,
) -> SearchResult:
    known = SpacePredictor(
        request.space, Problem.of(dataset), seed=request.seed, target=request.target, say=listener.on_note
    )
    session = SearchSession(
        store,
        suggester or _predicting_suggester(request, known, store, listener),
        budget=request.budget,
        keep=request.keep_artifacts,
        listener=listener,
        start=start,
        deadline=deadline,
        early_stopping=_early_stopping(request, known, dataset.task, listener),
    )
    if session.has_work and not session.is_hopeless:
        _run_trials(session, store, dataset, request)
        session.catch_up()
    return _finish(session, store, dataset, request)


def _start(request: SearchRequest, spec: StudySpec) -> Start:
    """Put the user's points first, then an earlier study's front, then those that the sampler begins with."""
    points = read_points(request.enqueue, request.space) if request.enqueue is not None else []
    earlier = Start()
    if request.from_study is not None:
        earlier = earlier_study(TrialStore.open(request.store, request.from_study), spec)
    sampler = sampler_class(request.sampler)
    with SAMPLER.answering(request.sampler):
        own = tuple(sampler.first_points(request.space)) if issubclass(sampler, Sampler) else ()
    unique = {point_key(point): dict(point) for point in (*points, *earlier.points, *own)}
    return Start(points=list(unique.values()), earlier_trials=earlier.earlier_trials)


def _uses_predictions(sampler: type[AnySampler]) -> bool:
    return issubclass(sampler, Sampler) and sampler.uses_predictions


def _predicting_suggester(
    request: SearchRequest, known: SpacePredictor, store: TrialStore, listener: SearchListener
) -> Suggester:
    """Give a sampler all that is known before training: size, latency on this host, and what is paid already."""
    wishes = {objective.metric for objective in request.objectives} | {limit.metric for limit in request.constraints}
    if known.must_learn(wishes) and len(store.read()) < request.budget:
        meter = LatencyMeter(request.target)
        if not known.knows_latency(meter):
            listener.on_preparation(
                f"measuring untrained networks to learn this host, once, {_LEARNING_SECONDS} s at most"
            )
        try:
            known.learn_latency(_random_points(request), meter, seconds=_LEARNING_SECONDS)
        except SearchError as error:  # networks that cannot be shaped untrained, a busy host
            listener.on_note(f"latency is learnt from the trials alone: {error}")
    paid = PaidPoints(request.space, seed=request.seed)
    return PayingSuggester(_suggester(request, known, paid), paid)


def _suggester(request: SearchRequest, known: KnownMetrics | None = None, cost: Cost | None = None) -> Suggester:
    with SAMPLER.answering(request.sampler):
        suggester = make_suggester(
            request.space,
            request.objectives,
            sampler=request.sampler,
            seed=request.seed,
            constraints=request.constraints,
            known=known,
            cost=cost,
        )
    return AnsweringSuggester(suggester, request.sampler)


def _random_points(request: SearchRequest) -> Iterator[dict[str, Scalar]]:
    generator = random.Random(0)  # noqa: S311 # no secret depends on it
    return (random_point(request.space, generator) for _ in range(_LATENCY_DRAWS))


def _early_stopping(
    request: SearchRequest, known: SpacePredictor, task: Task, listener: SearchListener
) -> Pacer | None:
    if not request.is_stopping_early:
        return None
    score = Objective(metric=task.metric, direction=metric_named(task.metric).better)
    problem = SearchProblem(request.space, request.objectives, request.seed, request.constraints, known, score=score)
    with STOPPING.answering(request.early_stopping):
        rule = make_rule(request.early_stopping, problem)
        notes = tuple(rule.notes())
    for note in notes:
        listener.on_note(note)
    return pacer_of(rule, problem)


def _run_trials(session: SearchSession, store: TrialStore, dataset: Dataset, request: SearchRequest) -> None:
    from automl.engines.ray_engine import ray_cluster, run_on_ray  # a study that is done does not wait for Ray

    with ray_cluster(request.cluster) as workers:
        run_on_ray(
            session,
            store,
            dataset,
            root=_absolute(request.store),
            workers=workers,
            gpus_per_trial=request.cluster.gpus_per_trial,
            cache_limit_bytes=request.cache_limit_bytes,
        )


def _finish(session: SearchSession, store: TrialStore, dataset: Dataset, request: SearchRequest) -> SearchResult:
    if session.is_hopeless:
        first = session.trials[0]
        raise SearchError(
            f"the first {len(session.trials)} trials all failed, so the search stopped; "
            f"the first error: {first.error}; `automl show {request.study} {first.number}` shows its traceback; "
            "mend the cause and begin again with --study NEWNAME"
        )
    front = measure_front(store, session.trials, dataset, LatencyMeter(store.spec.target))
    trials, problems = front.trials, list(front.problems)
    try:
        trials = _tidied(store, trials, request.keep_artifacts)
        store.compact()
    except StoreError as error:
        problems.append(f"the store could not be tidied up: {error}")
    is_short = session.progress.done < request.budget or session.has_work
    return SearchResult(
        store,
        trials,
        is_interrupted=is_short and not session.is_exhausted and not session.is_out_of_time,
        is_exhausted=session.is_exhausted,
        is_out_of_time=is_short and session.is_out_of_time,
        failed=failed_techniques(trials, request.space.constants),
        problems=problems,
    )


def _tidied(store: TrialStore, trials: Sequence[Trial], keep: KeepArtifacts) -> list[Trial]:
    """Delete the artifacts that shall not stay; what was measured last may have changed the front."""
    if keep is KeepArtifacts.ALL:
        return list(trials)
    kept = worth_keeping(trials, store.spec) if keep is KeepArtifacts.FRONT else set()
    return [
        drop_artifact(store, trial) if trial.artifact is not None and trial.number not in kept else trial
        for trial in trials
    ]


def _absolute(root: str) -> str:
    """Name a local store so that a worker with another working directory finds it."""
    return root if "://" in root else str(Path(root).absolute())


def _spec(request: SearchRequest, dataset: Dataset) -> StudySpec:
    return StudySpec(
        name=request.study,
        space=request.space,
        dataset=dataset.spec,
        dataset_fingerprint=dataset.fingerprint,
        task=dataset.task.name,
        data=dataset.description,
        objectives=request.objectives,
        constraints=request.constraints,
        target=request.target,
        seed=request.seed,
        versions=library_versions(request.target),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
