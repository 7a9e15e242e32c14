"""Installs plugins of a test beside those that are there, or in their place, as their entry points would."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest

from automl import plugins
from automl.plugins import Kind, forget_installed

FindPoints = Callable[..., metadata.EntryPoints]


def shipped(kind: Kind[Any]) -> list[str]:
    """Name the plugins of a kind that come with automl."""
    return [name for name, plugin in kind.installed().items() if plugin.entry_point.module.startswith("automl")]


@contextmanager
def also_installed(kind: Kind[Any], *classes: Any) -> Iterator[None]:
    """Install these classes of a test module beside the plugins of their kind."""
    own = [
        metadata.EntryPoint(each.name, f"{each.__module__}:{each.__qualname__}", kind.group)._for(
            SimpleNamespace(name="tests", version="1")
        )
        for each in classes
    ]
    real = plugins.entry_points

    def entry_points(*, group: str) -> metadata.EntryPoints:
        found = real(group=group)
        return metadata.EntryPoints([*found, *own]) if group == kind.group else found

    with _found_by(entry_points):
        yield


@contextmanager
def only_installed(kind: Kind[Any], *points: metadata.EntryPoint) -> Iterator[None]:
    """Make these entry points the only ones of a kind."""
    real = plugins.entry_points

    def entry_points(*, group: str) -> metadata.EntryPoints:
        return metadata.EntryPoints(points) if group == kind.group else real(group=group)

    with _found_by(entry_points):
        yield


@contextmanager
def _found_by(entry_points: FindPoints) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "entry_points", entry_points)
        forget_installed()
        try:
            yield
        finally:
            forget_installed()
