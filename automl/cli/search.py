"""``automl search``: the main job."""

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperOption

from automl.cli.ending import Ending, endings_as_interrupts
from automl.cli.search_options import option_parameters
from automl.cli.terminal import DEFAULT_STORE, JsonOption, fail, messages, print_json, results
from automl.search.options import SearchOptions

if TYPE_CHECKING:  # the search imports Ray and Optuna, which take seconds
    from automl.search.request import SearchRequest
    from automl.search.run import SearchResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=_SearchCommand)(_with_options(search))


class _SearchCommand(TyperCommand):
    """Looks for samplers and stopping rules among the installed packages only where its help is read."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override] # Typer makes no other context
        from automl.search.options import stopping_rules
        from automl.suggest.samplers import sampler_names

        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.name == "sampler":
                parameter.help = f"{', '.join(sampler_names())}."
            elif isinstance(parameter, TyperOption) and parameter.name == "early_stopping":
                parameter.help = f"{parameter.help} There are {', '.join(stopping_rules())}."
        return super().get_help(ctx)


def search(
    space: Annotated[str, typer.Argument(help="A shipped space, or a file of your own.", metavar="[SPACE]")] = "digits",
    dataset: Annotated[
        str | None,
        typer.Option(
            help="digits, rotated_digits, parquet:DIR, imagefolder:DIR, torchvision:NAME or python:MODULE:CALLABLE; "
            "those of pictures with ?resize=64x48&convert=grey|rgb&background=white; the space's data set if absent.",
            metavar="SPEC",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A function that returns your network, in place of a searched one.", metavar="MODULE:CALLABLE"
        ),
    ] = None,
    as_json: JsonOption = False,
    **options: Any,  # noqa: ANN401 # those of SearchOptions, each of its own type
) -> None:
    """Search a space and print the Pareto front.

    Running the same command again continues the study: completed trials are never run twice.
    """
    with endings_as_interrupts() as ending:
        try:
            request = _ready(_request(space, dataset, model, options))
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


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let Typer see the options of a search in the place of ``options``."""
    own = [each for each in signature(command).parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    own = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
    *subject, as_json = own
    parameters = [*subject, *option_parameters(), as_json]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what inspect looks for first
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _request(space: str, dataset: str | None, model: str | None, options: Mapping[str, object]) -> "SearchRequest":
    from automl.search.request import SearchRequest

    sys.path.insert(0, str(Path.cwd()))  # where people keep the functions that --model and --dataset name
    given = {name: value for name, value in options.items() if value is not None}
    return SearchRequest.about(space, dataset, SearchOptions.read(given), model=model)


def _ready(request: "SearchRequest") -> "SearchRequest":
    from automl.search.run import ready

    return ready(request)


def _run(request: "SearchRequest") -> "SearchResult":
    from automl.report.progress import search_progress
    from automl.search.run import run_search

    with search_progress(messages(), request.objectives) as listener:
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
