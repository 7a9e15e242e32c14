"""``automl compact``: one parquet file in place of many."""

from contextlib import nullcontext

import typer

from automl.cli.terminal import DEFAULT_STORE, JsonOption, StoreOption, StudyArgument, print_json, results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compact)


def compact(study: StudyArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """Fold the rows of a study into one file, trials.parquet; every search does it at its end."""
    from automl.storage.hold import held_study
    from automl.storage.store import TrialStore, study_folder

    opened = TrialStore.open(store, study)
    # Where nothing locks, as in a bucket, a search that folds at the same moment would lose rows.
    with nullcontext() if opened.has_locks else held_study(study_folder(store, study), name=study):
        rows = opened.compact()
    if as_json:
        print_json({"study": study, "rows": rows})
    else:
        results().print(f"{rows} rows in trials.parquet", highlight=False)
