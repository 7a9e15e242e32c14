"""Spaces by name or by file."""

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from automl.core.space import SearchSpace
from automl.errors import SpaceError
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space

_MOST_BYTES = 262_144


def shipped_spaces() -> dict[str, str]:
    """Give the text of every space that ships with automl, by name."""
    folder = files("automl_search_spaces")
    found = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    return {name.removesuffix(".yaml"): found[name].read_text(encoding="utf-8") for name in sorted(found)}


def load_space(name_or_file: str) -> SearchSpace:
    """Load a shipped space by name, or a space file by path.

    Raises:
        SpaceError: If there is no such space, or it does not make sense.
        PluginError: If a technique that it names is not installed.
    """
    shipped = shipped_spaces()
    if name_or_file in shipped:
        return resolve_space(name_or_file, parse_located(shipped[name_or_file], f"{name_or_file}.yaml"))
    path = Path(name_or_file)
    if path.suffix not in (".yaml", ".yml"):
        nearest = get_close_matches(name_or_file, shipped, n=3, cutoff=0.5) or list(shipped)
        raise SpaceError(
            f"unknown space {name_or_file!r}; did you mean {' or '.join(nearest)}? A file of your own ends in .yaml"
        )
    return resolve_space(path.stem, parse_located(_text_of(path), name_or_file))


def _text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise SpaceError(f"space file {path} is no file but a folder or a device; name a file")
        if path.stat().st_size > _MOST_BYTES:
            size = f"{path.stat().st_size:,} bytes"
            raise SpaceError(f"space file {path} has {size}, and a space is a few kilobytes; check the path")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpaceError(f"space file {path} cannot be read: {error.strerror or error}; check the path") from error
    except UnicodeDecodeError as error:
        raise SpaceError(
            f"space file {path} is not text in UTF-8 (byte {error.start} is {path.read_bytes()[error.start]:#04x}); "
            "save it as UTF-8, or check the path"
        ) from None
