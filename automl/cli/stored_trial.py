"""Finds one trial of a store, for the commands that take a number."""

from automl.core.trial import Trial
from automl.errors import StoreError
from automl.storage.store import TrialStore


def stored_trial(store: TrialStore, number: int) -> Trial:
    """Read one trial.

    Raises:
        StoreError: If the study has no trial of this number.
    """
    trials = {trial.number: trial for trial in store.read()}
    if number not in trials:
        known = f"it has {len(trials)}, numbered {min(trials)} to {max(trials)}" if trials else "it has none yet"
        raise StoreError(
            f"study {store.spec.name!r} has no trial {number}: {known}; see `automl trials {store.spec.name}`"
        )
    return trials[number]
