"""Plugins, found by entry point and loaded when first used.

A technique is any class named by an entry point of the group ``automl.plugins``; there is no list to edit.
"""

from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from automl.core.stage import Stage
from automl.errors import PluginError
from automl.technique import Technique

ENTRY_POINT_GROUP = "automl.plugins"


@dataclass(frozen=True)
class Plugin:
    """A technique that is installed, whether or not it can be imported.

    Attributes:
        name: What a space file writes.
        distribution: The package that ships it, with its version.
        entry_point: Where its class is.
    """

    name: str
    distribution: str
    entry_point: EntryPoint

    def load(self) -> type[Technique]:
        """Import the class.

        Raises:
            PluginError: If the import fails or gives something else than a technique of this name.
        """
        try:
            technique = self.entry_point.load()
        except (Exception, SystemExit) as error:  # somebody else's module may raise anything
            reason = str(error).strip().partition("\n")[0]
            raise PluginError(
                f"technique {self.name!r} of {self.distribution} cannot be imported: {type(error).__name__}: {reason}; "
                f"{self._remedy()}, or choose another technique"
            ) from error
        if not (isinstance(technique, type) and issubclass(technique, Technique)):
            raise PluginError(
                f"technique {self.name!r} of {self.distribution} is {technique!r}, not a subclass of "
                "automl.technique.Technique; correct its entry point"
            )
        for fact, remedy in (
            ("name", f"set its class variable to {self.name!r}"),
            ("stage", "subclass Architecture, Pruner, Quantizer or Distiller"),
        ):
            if not hasattr(technique, fact):
                raise PluginError(f"technique {self.name!r} of {self.distribution} has no {fact}; {remedy}")
        if technique.name != self.name:
            raise PluginError(
                f"technique {self.name!r} of {self.distribution} calls itself {technique.name!r}; "
                "give the entry point the same name"
            )
        if technique.__abstractmethods__:
            missing = ", ".join(sorted(technique.__abstractmethods__))
            raise PluginError(f"technique {self.name!r} of {self.distribution} lacks {missing}; implement it")
        return technique

    def _remedy(self) -> str:
        distribution = self.entry_point.dist
        if distribution is None:
            return "reinstall the package that ships it"
        return f"run `pip install --force-reinstall {distribution.name}`, which brings what is missing"


@cache
def plugins() -> dict[str, Plugin]:
    """List what is installed, by name, importing none of it.

    Raises:
        PluginError: If two distributions claim one name.
    """
    found: dict[str, Plugin] = {}
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        plugin = Plugin(entry_point.name, _distribution(entry_point), entry_point)
        other = found.get(plugin.name)
        if other is not None and other.entry_point.value != entry_point.value:
            raise PluginError(
                f"technique {plugin.name!r} is claimed by {other.distribution} and by {plugin.distribution}; "
                "uninstall one of them"
            )
        found[plugin.name] = plugin
    return found


def broken_plugins() -> dict[str, PluginError]:
    """Import every technique, and say by name what is wrong with those that cannot be used."""
    broken: dict[str, PluginError] = {}
    for name, plugin in plugins().items():
        try:
            plugin.load()
        except PluginError as error:
            broken[name] = error
    return broken


def technique_class(name: str, stage: Stage | None = None) -> type[Technique]:
    """Load a technique by name.

    Args:
        name: As written in a space file.
        stage: The stage that it must belong to; any where absent.

    Raises:
        PluginError: If the name is unknown, of another stage, or cannot be imported.
    """
    known = plugins()
    if name not in known:
        nearest = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`automl plugins` lists what is installed"
        raise PluginError(f"unknown technique {name!r}; {hint}")
    technique = known[name].load()
    if stage is not None and technique.stage is not stage:
        raise PluginError(
            f"technique {name!r} is of the stage {technique.stage}, not {stage}; "
            f"techniques of the stage {stage}: {', '.join(_of_stage(stage)) or 'none'}"
        )
    return technique


def _of_stage(stage: Stage) -> list[str]:
    """Name the techniques of a stage; one that is broken is of none."""
    names = []
    for name, plugin in plugins().items():
        with suppress(PluginError):
            if plugin.load().stage is stage:
                names.append(name)
    return names


def _distribution(entry_point: EntryPoint) -> str:
    distribution = entry_point.dist
    return f"{distribution.name} {distribution.version}" if distribution is not None else "an unknown distribution"
