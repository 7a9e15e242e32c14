"""Where a local store keeps the files of a trial, as its users find them."""

from pathlib import Path

from automl.storage.store import TrialStore


def artifact_folder(store: TrialStore, number: int) -> Path | None:
    """Give the folder of an artifact; None where it is not kept."""
    folder = store._folder.local_path / "artifacts" / f"{number:06d}"
    return folder if folder.is_dir() else None
