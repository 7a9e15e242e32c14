"""The trial store: one folder a study, one parquet row a trial, and the only truth about both."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pyarrow.fs import FileInfo
from pydantic import ValidationError

from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.errors import StoreError
from automl.storage.artifacts import check_files, checksums
from automl.storage.difference import differences
from automl.storage.folder import Folder
from automl.storage.hold import lease_of
from automl.storage.parquet import check_schema_version, count_trials, decode_trials, encode_trials, merge_trials

_STUDY_FILE = "study.json"
_FOLDED_FILE = "trials.parquet"
_SINGLES = "trials"
_ROWS_LOCK = "compact"
_SINGLE_FILE = re.compile(r"trial-\d{6,}\.(row|parquet)")  # parquet: of automl up to 0.1
_STUDY_NAME = re.compile(r"[A-Za-z0-9_][\w.+-]*")
_DIFFERENCES_SHOWN = 3


def list_studies(root: str) -> list[str]:
    """Name the studies under a root, in order; none where the root does not exist.

    Raises:
        StoreError: If the root cannot be listed.
    """
    folder = Folder.at(root)
    return [name for name in folder.folders() if _STUDY_FILE in folder.files(name)]


class TrialStore:
    """One study's folder, ``<root>/<study>/``.

    Any number of processes may write and read at once. All rows are in one file, ``trials.parquet``, which is
    replaced as a whole, and in such a way that whoever reads it then reads the old rows or the new ones. Where
    no file system hands out locks, as in a bucket, a row is first a file of its own, until the search folds it.

    Attributes:
        spec: The study, as it was stored when it was created.
    """

    def __init__(self, folder: Folder, spec: StudySpec, *, hold: str | None = None) -> None:
        self._folder = folder
        self._hold = hold
        self.spec = spec

    def under(self, hold: str | None) -> Self:
        """Give the same store, which refuses to write rows when another search has taken over the study.

        Args:
            hold: Token of the hold under which rows are written; None writes them under any.
        """
        return type(self)(self._folder, self.spec, hold=hold)

    @property
    def hold(self) -> str | None:
        """Token of the hold under which rows are written."""
        return self._hold

    @property
    def has_locks(self) -> bool:
        """Whether processes can take turns in writing."""
        with self._folder.locked(_ROWS_LOCK) as is_locked:
            return is_locked

    @classmethod
    def create(cls, root: str, spec: StudySpec) -> Self:
        """Begin a study: write ``study.json``, once.

        Args:
            root: Local path, or a URI that pyarrow.fs opens.
            spec: The study; its name becomes the folder's.

        Raises:
            StoreError: If the root cannot be written, the study exists or its name is not one for a folder.
        """
        folder = study_folder(root, spec.name)
        if folder.read(_STUDY_FILE) is not None:
            raise StoreError(f"study {spec.name!r} already exists in {root}; name another with --study NEWNAME")
        is_new = not folder.exists()
        try:
            folder.replace(_STUDY_FILE, _encode_spec(spec))
            if folder.read(_FOLDED_FILE) is None:  # a reader finds a table, if an empty one, from the beginning
                folder.replace(_FOLDED_FILE, encode_trials([], spec))
        except StoreError:
            if is_new and folder.exists():
                folder.delete()
            elif (info := folder.files("").get(_STUDY_FILE)) is not None:
                folder.delete_file(_STUDY_FILE, unless_changed_since=info)
            raise
        return cls(folder, spec)

    @classmethod
    def open(cls, root: str, study: str) -> Self:
        """Open a study that exists.

        Raises:
            StoreError: If there is none of this name (with the nearest that exist), or it cannot be read.
        """
        folder = study_folder(root, study)
        data = folder.read(_STUDY_FILE)
        if data is None:
            raise StoreError(f"there is no study {study!r} in {root}; {_suggestion(study, list_studies(root))}")
        return cls(folder, _decode_spec(data, source=f"{folder.path}/{_STUDY_FILE}"))

    @classmethod
    def open_or_create(cls, root: str, spec: StudySpec) -> Self:
        """Open the study if it exists and is the same, begin it if there is none.

        Raises:
            StoreError: If a different study has the name, saying what differs.
        """
        if study_folder(root, spec.name).read(_STUDY_FILE) is None:
            return cls.create(root, spec)
        store = cls.open(root, spec.name)
        found = differences(store.spec, spec)
        if found:
            shown = "; ".join(found[:_DIFFERENCES_SHOWN])
            more = f"; and {len(found) - _DIFFERENCES_SHOWN} more" if len(found) > _DIFFERENCES_SHOWN else ""
            raise StoreError(
                f"study {spec.name!r} in {root} is a different one ({shown}{more}); "
                "go on with the stored settings, or begin another study with --study NEWNAME"
            )
        return store

    def write(self, trial: Trial) -> None:
        """Write one row; a row of the same number is replaced.

        Raises:
            StoreError: If it cannot be written, or another search has taken over the study.
        """
        with self._folder.locked(_ROWS_LOCK) as is_locked:
            self._check_hold()
            if is_locked:
                self._fold([trial])
            else:
                self._folder.replace(f"{_SINGLES}/trial-{trial.number:06d}.row", encode_trials([trial], self.spec))

    def read(self) -> list[Trial]:
        """Read all rows, each number once, in the order of their numbers.

        Raises:
            StoreError: If a file is torn or newer than this automl, naming it.
        """
        # Single files first: one that vanishes meanwhile was folded before, so the folded file has it.
        single = self._decode_all(self._singles())
        by_number = {trial.number: trial for trial in [*self._decode(_FOLDED_FILE), *single]}
        return [by_number[number] for number in sorted(by_number)]

    def compact(self) -> int:
        """Fold the rows that are files of their own into ``trials.parquet``, and remove those files, in this order.

        A kill at any point loses nothing, and no reader counts a trial twice. Where the file system has locks,
        any number may do it beside a search; elsewhere, whoever holds the study.

        Returns:
            The number of rows.

        Raises:
            StoreError: If a file cannot be read or written.
        """
        with self._folder.locked(_ROWS_LOCK):
            rows = self._fold()
            self._folder.sweep(as_of=_FOLDED_FILE)
        return rows

    def publish(self) -> None:
        """Fold the rows that workers had to write as files of their own; whoever holds the study does it.

        Raises:
            StoreError: If a file cannot be read or written.
        """
        if self._singles():
            self.compact()

    def write_artifact(self, number: int, folder: Path) -> str:
        """Keep the files of a local folder (``model.onnx``, ``recipe.json``), each whole or not at all.

        Returns:
            The artifact's path relative to the study, ``artifacts/000012``.

        Raises:
            StoreError: If a file cannot be written.
        """
        name = _artifact_name(number)
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            self._folder.replace(f"{name}/{file.name}", file.read_bytes())
        return name

    def artifact_sha256(self, number: int) -> str:
        """List the checksums of an artifact's files, for the trial's row.

        Raises:
            StoreError: If a file cannot be read.
        """
        return checksums(self._artifact_files(number))

    def read_artifact(self, number: int, folder: Path, *, sha256: str | None = None) -> None:
        """Copy an artifact's files to a local folder, which is made where it is not there.

        Args:
            number: Of the trial.
            folder: Where the files go.
            sha256: The checksums in the trial's row; None where it has none.

        Raises:
            StoreError: If the artifact is not kept, or a file of it is missing or was replaced by another.
        """
        files = self._artifact_files(number)
        if not files:
            raise StoreError(
                f"trial {number} of study {self.spec.name!r} has no artifact in {self._folder.path}; "
                "search with --keep-artifacts all to keep every one"
            )
        check_files(files, sha256 or "", folder=f"{self._folder.path}/{_artifact_name(number)}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def delete_artifact(self, number: int) -> None:
        """Delete an artifact; one that is not kept is no error."""
        self._folder.child(_artifact_name(number)).delete()

    def _artifact_files(self, number: int) -> dict[str, bytes]:
        name = _artifact_name(number)
        return {file: self._folder.read(f"{name}/{file}") or b"" for file in self._folder.files(name)}

    def _check_hold(self) -> None:
        lease = lease_of(self._folder) if self._hold is not None else None
        if lease is not None and lease.token != self._hold:
            raise StoreError(
                f"study {self.spec.name!r} was taken over by process {lease.pid} on {lease.host} at {lease.since}, "
                "when this search gave no sign of life; its rows are not mixed with those of the other"
            )

    def _fold(self, trials: Sequence[Trial] = ()) -> int:
        singles = self._singles()
        previous = self._folder.read(_FOLDED_FILE)
        rows = [*self._decode_all(singles), *trials]
        if previous is None or rows:
            source = f"{self._folder.path}/{_FOLDED_FILE}"
            previous = merge_trials(previous, _last_of_each(rows), self.spec, source=source)
            self._folder.replace(_FOLDED_FILE, previous)
        for name, info in singles.items():
            self._folder.delete_file(f"{_SINGLES}/{name}", unless_changed_since=info)
        return count_trials(previous)

    def _singles(self) -> dict[str, FileInfo]:
        files = self._folder.files(_SINGLES)
        return {name: files[name] for name in sorted(files) if _SINGLE_FILE.fullmatch(name)}

    def _decode_all(self, singles: Iterable[str]) -> list[Trial]:
        return [trial for name in singles for trial in self._decode(f"{_SINGLES}/{name}")]

    def _decode(self, name: str) -> list[Trial]:
        data = self._folder.read(name)
        return [] if data is None else decode_trials(data, source=f"{self._folder.path}/{name}")


def _last_of_each(trials: Iterable[Trial]) -> list[Trial]:
    return list({trial.number: trial for trial in trials}.values())


def study_folder(root: str, study: str) -> Folder:
    """Give the folder of a study, which need not exist.

    Raises:
        StoreError: If the name is not one for a folder, or no filesystem answers to the root.
    """
    if not _STUDY_NAME.fullmatch(study):
        raise StoreError(f"study name {study!r} is not one: use letters, digits and . _ + -, as in digits-small")
    return Folder.at(root).child(study)


def _artifact_name(number: int) -> str:
    return f"artifacts/{number:06d}"


def _suggestion(study: str, existing: list[str]) -> str:
    nearest = difflib.get_close_matches(study, existing)
    if nearest:
        return f"did you mean {' or '.join(map(repr, nearest))}?"
    if existing:
        return f"it has {', '.join(existing)}"
    return "it has none yet: automl search begins one, and --store names another root"


def _encode_spec(spec: StudySpec) -> bytes:
    """Write a study as JSON that reads back as the same; what JSON has no form for, such as infinity, does not."""
    data = (spec.model_dump_json(indent=2) + "\n").encode()
    try:
        again = StudySpec.model_validate_json(data)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise StoreError(
            f"study {spec.name!r} cannot be kept: {place} has no form in {_STUDY_FILE}; give finite numbers"
        ) from error
    if again != spec:
        raise StoreError(f"study {spec.name!r} cannot be kept: {_STUDY_FILE} would not read back as the same study")
    return data


def _decode_spec(data: bytes, *, source: str) -> StudySpec:
    try:
        content = json.loads(data)
        check_schema_version(int(content["schema_version"]), source=source)
        return StudySpec.model_validate_json(data)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{source} is not a study ({type(error).__name__}: {str(error).splitlines()[0]}); "
            "restore it from a copy, or begin another study with --study NEWNAME"
        ) from error
