"""``automl search``: the main job."""

import math
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.core import TyperCommand, TyperOption

from automl.cli.ending import Ending, endings_as_interrupts
from automl.cli.terminal import DEFAULT_STORE, JsonOption, StoreOption, fail, messages, print_json, results
from automl.core.value import Value

if TYPE_CHECKING:  # the search imports Ray and Optuna, which take seconds
    from automl.core.space import SearchSpace
    from automl.search.run import SearchRequest, SearchResult


class SearchArguments(Value):
    """The command line of a search, as typed."""

    space: str
    study: str | None
    dataset: str | None
    augmentation: str | None
    model: str | None
    objectives: tuple[str, ...]
    constraints: tuple[str, ...]
    budget: int
    sampler: str
    seed: int
    address: str
    workers: int | None
    gpus_per_trial: float
    target: str
    time_budget: str | None
    enqueue: Path | None
    from_study: str | None
    early_stopping: str
    cache_size: str
    no_cache: bool
    store: str
    keep_artifacts: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=_SearchCommand)(search)


class _SearchCommand(TyperCommand):
    """Looks for samplers among the installed packages only where its help is read."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override] # Typer makes no other context
        from automl.search.samplers import sampler_names

        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.name == "sampler":
                parameter.help = f"{', '.join(sampler_names())}."
        return super().get_help(ctx)


def search(
    space: Annotated[str, typer.Argument(help="A shipped space, or a file of your own.", metavar="[SPACE]")] = "digits",
    budget: Annotated[int, typer.Option(help="Trials that the study shall have, earlier runs included.")] = 100,
    study: Annotated[str | None, typer.Option(help="Name of the study; the space's name if absent.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="digits, parquet:DIR, imagefolder:DIR, torchvision:NAME or python:MODULE:CALLABLE; those of pictures "
            "with ?resize=64x48&convert=grey|rgb&background=white; the space's data set if absent.",
            metavar="SPEC",
        ),
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            help="How training images are varied; as the space or the data set says if absent. flip mirrors: leave it "
            "out where a mirror image is of another class.",
            metavar="none|shift|flip|shift_and_flip",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A function that returns your network, in place of a searched one.", metavar="MODULE:CALLABLE"
        ),
    ] = None,
    objective: Annotated[
        list[str] | None, typer.Option(help="What is better; repeat for several.", metavar="METRIC:max|min")
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(help="What a network must keep to, such as 'size_bytes<=50000'.", metavar="METRIC<=NUMBER"),
    ] = None,
    sampler: Annotated[str, typer.Option(help="What proposes the points.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the search and of every trial.")] = 0,
    address: Annotated[
        str, typer.Option(help="Ray cluster: local, auto or HOST:PORT.", metavar="local|auto|HOST:PORT")
    ] = "local",
    workers: Annotated[int | None, typer.Option(help="Trials at a time; one a processor if absent.")] = None,
    gpus_per_trial: Annotated[float, typer.Option(help="GPUs, or a part of one, for each trial.")] = 0.0,
    target: Annotated[
        str,
        typer.Option(
            help="Runtime (cpu: ONNX Runtime, openvino, cuda: ONNX Runtime on a GPU), threads, and images a run, that "
            "every figure is for.",
            metavar="cpu|openvino|cuda:THREADS[:BATCH]",
        ),
    ] = "cpu:1",
    time_budget: Annotated[
        str | None, typer.Option(help="Begin no trial after so long, such as 30m or 1h30m.", metavar="DURATION")
    ] = None,
    enqueue: Annotated[
        Path | None,
        typer.Option(help="JSON list of points to try first, as `automl pareto --format json` prints.", metavar="FILE"),
    ] = None,
    from_study: Annotated[
        str | None,
        typer.Option(help="Begin with the front of an earlier study, and learn from all of it.", metavar="STUDY"),
    ] = None,
    early_stopping: Annotated[
        str,
        typer.Option(
            help="auto: trials pause at rungs of epochs, and the best quarter of each goes on.", metavar="auto|off"
        ),
    ] = "off",
    keep_artifacts: Annotated[
        str, typer.Option(help="Which deployable files stay in the store.", metavar="front|all|none")
    ] = "front",
    cache_size: Annotated[
        str, typer.Option(help="What the results that trials share may take in the store.", metavar="SIZE")
    ] = "10GB",
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Train every network anew; share no result between trials.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Search a space and print the Pareto front.

    Running the same command again continues the study: completed trials are never run twice.
    """
    arguments = SearchArguments(
        space=space,
        study=study,
        dataset=dataset,
        augmentation=augmentation,
        model=model,
        objectives=tuple(objective or ()),
        constraints=tuple(constraint or ()),
        budget=budget,
        sampler=sampler,
        seed=seed,
        address=address,
        workers=workers,
        gpus_per_trial=gpus_per_trial,
        target=target,
        time_budget=time_budget,
        enqueue=enqueue,
        from_study=from_study,
        early_stopping=early_stopping,
        cache_size=cache_size,
        no_cache=no_cache,
        store=store,
        keep_artifacts=keep_artifacts,
    )
    with endings_as_interrupts() as ending:
        try:
            request = _request(arguments)
            result = _run(request)
        except KeyboardInterrupt:  # before the workers were there, or a second time while they end
            _fail_interrupted(ending)
    _print(request, result, as_json=as_json)
    for line in (*map(str, result.failed), *result.problems):
        messages().print(line, highlight=False, markup=False, soft_wrap=True)
    if result.is_interrupted:
        _fail_interrupted(ending)
    failure = _failure(request, result)
    if failure is not None:
        fail(failure, 1)


def _request(arguments: SearchArguments) -> "SearchRequest":
    from automl.core.augmentation import Augmentation
    from automl.core.byte_size import size_in_bytes
    from automl.core.duration import duration_seconds
    from automl.core.objective import Constraint, Objective
    from automl.core.target import Target
    from automl.errors import UsageError
    from automl.search.cluster import Cluster
    from automl.search.run import SearchRequest
    from automl.search.session import KeepArtifacts
    from automl.spaces.load import load_space

    if arguments.keep_artifacts not in tuple(KeepArtifacts):
        raise UsageError(f"--keep-artifacts {arguments.keep_artifacts!r} is none of {', '.join(KeepArtifacts)}")
    if arguments.early_stopping not in ("auto", "off"):
        raise UsageError(f"--early-stopping {arguments.early_stopping!r} is none of auto, off")
    if arguments.augmentation is not None and arguments.augmentation not in tuple(Augmentation):
        raise UsageError(f"--augmentation {arguments.augmentation!r} is none of {', '.join(Augmentation)}")
    sys.path.insert(0, str(Path.cwd()))  # where people keep the functions that --model and --dataset name
    space = load_space(arguments.space)
    study = space.name
    if arguments.model is not None:
        space = _with_model(space, arguments.model)
        study = f"{space.name}-{arguments.model.partition(':')[2]}"
    if arguments.augmentation is not None:
        space = space.with_augmentation(Augmentation(arguments.augmentation))
    cache_limit_bytes = size_in_bytes(arguments.cache_size)
    objectives = tuple(Objective.parse(text) for text in arguments.objectives)
    return SearchRequest(
        space=space,
        study=study if arguments.study is None else arguments.study,
        dataset=space.dataset if arguments.dataset is None else arguments.dataset,
        objectives=objectives or space.objectives,
        constraints=tuple(Constraint.parse(text) for text in arguments.constraints),
        budget=arguments.budget,
        sampler=arguments.sampler,
        seed=arguments.seed,
        store=arguments.store,
        keep_artifacts=KeepArtifacts(arguments.keep_artifacts),
        cluster=Cluster(arguments.address, arguments.workers, arguments.gpus_per_trial),
        target=Target.parse(arguments.target),
        time_budget_seconds=math.inf if arguments.time_budget is None else duration_seconds(arguments.time_budget),
        enqueue=arguments.enqueue,
        cache_limit_bytes=None if arguments.no_cache else cache_limit_bytes,
        from_study=arguments.from_study,
        is_stopping_early=arguments.early_stopping == "auto",
    )


def _with_model(space: "SearchSpace", target: str) -> "SearchSpace":
    from pydantic import ValidationError

    from automl.errors import UsageError
    from automl.registry import technique_class

    try:
        technique_class("python").model_validate({"target": target})
    except ValidationError:
        raise UsageError(
            f"model {target!r} is not of the form MODULE:CALLABLE, as in my_networks:make_resnet"
        ) from None
    _check_importable(target)
    return space.with_architecture("python", {"target": target})


def _check_importable(target: str) -> None:
    """Refuse a function that is not there before a study keeps its name; what it returns, trials say."""
    from importlib import import_module

    from automl.errors import UsageError

    module, _, name = target.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UsageError(
            f"model {target!r} cannot be imported: {error}; correct the name, or put its folder on PYTHONPATH"
        ) from error
    if not callable(function):
        kind = type(function).__name__
        raise UsageError(f"model {target!r} is a {kind}, not a function; write a function that returns the network")


def _run(request: "SearchRequest") -> "SearchResult":
    from automl.cli.progress import search_progress
    from automl.search.run import run_search

    with search_progress(request.objectives) as listener:
        return run_search(request, listener)


def _failure(request: "SearchRequest", result: "SearchResult") -> str | None:
    """Say why the search did not do what it was for; None where it did."""
    from automl.core.trial import TrialState

    if not any(trial.is_feasible for trial in result.trials):
        if any(trial.state is TrialState.COMPLETE for trial in result.trials):
            return "no trial keeps to every constraint; loosen the first of those above, or give a larger --budget"
        trials_command = shlex.join(["automl", "trials", request.study, *_store_option(request)])
        return f"no trial came out complete and feasible; `{trials_command}` shows why"
    missed = list(dict.fromkeys(f"{failed.stage}s" for failed in result.failed if failed.is_point))
    if missed:
        return f"no network with one of the {' or '.join(missed)} of this space came out; the reasons stand above"
    return "the search is done, but not all of its end, as said above" if result.problems else None


def _print(request: "SearchRequest", result: "SearchResult", *, as_json: bool) -> None:
    from automl.cli.misses import print_misses
    from automl.core.near_miss import nearest_misses
    from automl.core.pareto import front_hypervolume, pareto_front
    from automl.report.rows import trial_rows
    from automl.report.tables import front_table, limit_lines

    spec = result.store.spec
    front = pareto_front(result.trials, spec.objectives)
    if as_json:
        print_json(
            {
                "study": spec.name,
                "store": request.store,
                "trials": len(result.trials),
                "hypervolume": front_hypervolume(result.trials, spec.objectives),
                "front": trial_rows(front, spec),
                "nearest_misses": trial_rows(nearest_misses(result.trials, spec.constraints), spec),
                "limits": limit_lines(result.trials, spec),
                "failed_techniques": [asdict(failed) for failed in result.failed],
                "problems": list(result.problems),
                "is_interrupted": result.is_interrupted,
            }
        )
        return
    console = results()
    if front:
        console.print(front_table(result.trials, spec))
        console.print(_next_command(request, front[0].number), highlight=False, soft_wrap=True)
    else:
        print_misses(console, result.trials, spec)
    if result.is_out_of_time:
        messages().print(f"The time is up: {len(result.trials)} trials are done. The same command goes on.")
    if result.is_exhausted:
        messages().print(f"The space has no more points: {len(result.trials)} trials are all there are.")


def _next_command(request: "SearchRequest", number: int) -> str:
    command = ["automl", "export", request.study, str(number), "-o", "deploy", *_store_option(request)]
    return f"Next: {shlex.join(command)}"


def _store_option(request: "SearchRequest") -> list[str]:
    return [] if request.store == DEFAULT_STORE else ["--store", request.store]


def _fail_interrupted(ending: Ending) -> NoReturn:
    fail(f"interrupted; to go on: {shlex.join(['automl', *sys.argv[1:]])}", ending.exit_code)
