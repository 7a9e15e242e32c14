"""``automl trials``: every trial of a study."""

import typer

from automl.cli.terminal import DEFAULT_STORE, JsonOption, StoreOption, StudyArgument, print_json, results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(trials)


def trials(study: StudyArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List every trial of a study, failed ones with their error."""
    from automl.report.rows import trial_rows
    from automl.report.tables import trials_table
    from automl.storage.store import TrialStore

    opened = TrialStore.open(store, study)
    found = opened.read()
    if as_json:
        print_json(trial_rows(found, opened.spec))
    else:
        results().print(trials_table(found, opened.spec))
