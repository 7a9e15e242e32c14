"""Finds what is in a folder of pictures: its splits, their classes, and the picture files of each class."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from automl.datasets.remarks import Remarks, listed
from automl.errors import DatasetError

SUFFIXES = frozenset(
    {
        *(".apng", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"),
        *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}
"""How people call the folder, or the file, of each split; upper and lower case are the same."""

_LEFT_BEHIND = frozenset({"__macosx", "__pycache__", "@eadir", "thumbs.db", "desktop.ini", "lost+found"})


class Layout(NamedTuple):
    """The folder of each split, and what stands beside them and is not read."""

    splits: dict[str, Path]
    unread: list[str]


def split_layout(folder: Path) -> Layout:
    """Find the folders of the splits.

    A folder counts as a split by its name and because it has classes inside; where none does, the folder itself is
    the training set.

    Raises:
        DatasetError: Two folders are the same split, or there is validation or test without training.
    """
    children = [child for child in _visible(folder) if child.is_dir()]
    splits: dict[str, Path] = {}
    for split, names in SPLIT_NAMES.items():
        found = [child for child in children if child.name.lower() in names and class_names(child)]
        if len(found) > 1:
            shown = " and ".join(f"{child.name}/" for child in found)
            raise DatasetError(f"{folder} has {shown}, both for {split}: keep one")
        if found:
            splits[split] = found[0]
    if not splits:
        return Layout({"train": folder}, [])
    if "train" not in splits:
        other = next(iter(splits.values())).name
        raise DatasetError(f"{folder} has no train/ beside its {other}/: add it, or put the classes at the top")
    beside = [child.name for child in children if child not in splits.values()]
    for name in beside:
        if any(name.lower() in names for names in SPLIT_NAMES.values()):
            raise DatasetError(f"{folder / name} has no class folders, as {splits['train']} has: add them or move it")
    return Layout(splits, beside)


def class_names(folder: Path) -> list[str]:
    """Name the classes of a split, in order."""
    return [child.name for child in _visible(folder) if child.is_dir()]


def picture_files(folder: Path, remarks: Remarks) -> list[Path]:
    """List the pictures of a class in the order of their names, those of folders inside it among them.

    Links are followed; what is hidden, at any depth, is skipped; other files are noted.
    """
    found: list[Path] = []
    for path in _files(folder, frozenset()):
        if path.suffix.lower() in SUFFIXES:
            found.append(path)
        else:
            remarks.add("files in class folders that are no pictures and are not read", str(path))
    nested = sorted({str(path.parent) for path in found if path.parent != folder})
    for name in nested:
        remarks.add("folders inside a class folder, read as that class", name)
    return sorted(found)


def note_loose_pictures(folder: Path, remarks: Remarks) -> None:
    """Remember the pictures that stand beside the class folders, in none of them."""
    for child in _visible(folder):
        if child.suffix.lower() in SUFFIXES and child.is_file():
            remarks.add("pictures in no class folder, not read", str(child))


def unread_note(folder: Path, layout: Layout) -> tuple[str, ...]:
    """Say what stands beside the splits and is not read."""
    if not layout.unread:
        return ()
    splits = ", ".join(f"{path.name}/" for path in layout.splits.values())
    return (f"not read, since {folder} has {splits}: {listed([f'{name}/' for name in layout.unread])}",)


def _files(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        raise DatasetError(f"{folder} is a link to a folder that it stands in: remove the link")
    for child in _visible(folder):
        if child.is_dir():
            yield from _files(child, above | {real})
        else:
            yield child


def _visible(folder: Path) -> list[Path]:
    """List what is not hidden, nor left behind by an operating system, in the order of names."""
    return sorted(
        child for child in folder.iterdir() if not child.name.startswith(".") and child.name.lower() not in _LEFT_BEHIND
    )
