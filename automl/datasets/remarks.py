"""Collects what was noticed while many files were read, so that it is said in one line a kind."""

from collections.abc import Sequence


class Remarks:
    """Names of files under what was noticed of them."""

    def __init__(self) -> None:
        self._named: dict[str, list[str]] = {}

    def add(self, what: str, name: str) -> None:
        """Remember that ``what`` is true of a file.

        Args:
            what: Names the files, in the plural.
            name: Of the file.
        """
        self._named.setdefault(what, []).append(name)

    def notes(self) -> tuple[str, ...]:
        """Say each kind in one line.

        >>> remarks = Remarks()
        >>> for name in ("a.gif", "b.gif"):
        ...     remarks.add("pictures of several frames, of which the first is read", name)
        >>> remarks.notes()
        ('pictures of several frames, of which the first is read: 2 (a.gif, b.gif)',)
        """
        return tuple(f"{what}: {len(names)} ({listed(names)})" for what, names in self._named.items())


def listed(names: Sequence[str], most: int = 3) -> str:
    """Name the first few.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
