"""``automl pareto``: the front of a study."""

import csv
import sys
from enum import StrEnum
from typing import Annotated

import typer

from automl.cli.terminal import DEFAULT_STORE, JsonOption, StoreOption, StudyArgument, messages, print_json, results


class Format(StrEnum):
    """How the front is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pareto)


def pareto(
    study: StudyArgument,
    output: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Print the Pareto front: the networks that no other network beats in every objective."""
    from automl.cli.misses import print_misses
    from automl.core.pareto import pareto_front
    from automl.report.rows import csv_rows, trial_rows
    from automl.report.tables import front_table
    from automl.storage.store import TrialStore

    opened = TrialStore.open(store, study)
    all_trials = opened.read()
    front = pareto_front(all_trials, opened.spec.objectives)
    is_table = not as_json and output is Format.TABLE
    if not front and opened.spec.constraints:
        print_misses(results() if is_table else messages(), all_trials, opened.spec)
        if is_table:
            return
    if as_json or output is Format.JSON:
        print_json(trial_rows(front, opened.spec))
    elif output is Format.CSV:
        rows = csv_rows(front, opened.spec)
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
    else:
        results().print(front_table(all_trials, opened.spec))
