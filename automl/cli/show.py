"""``automl show``: everything about one trial."""

import typer

from automl.cli.terminal import (
    DEFAULT_STORE,
    JsonOption,
    NumberArgument,
    StoreOption,
    StudyArgument,
    print_json,
    results,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(show)


def show(
    study: StudyArgument, number: NumberArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """Show one trial: its point, what was measured, where the time went, and its error if it failed."""
    from automl.cli.stored_trial import stored_trial
    from automl.report.rows import trial_rows
    from automl.report.tables import trial_details
    from automl.storage.store import TrialStore

    opened = TrialStore.open(store, study)
    trial = stored_trial(opened, number)
    if as_json:
        print_json(trial_rows([trial], opened.spec)[0])
    else:
        results().print(trial_details(trial, opened.spec))
