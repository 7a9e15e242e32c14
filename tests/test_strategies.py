"""Strategies are found by entry point, and one that does not work is refused with its distribution."""

from contextlib import ExitStack
from importlib import metadata
from types import SimpleNamespace

import pytest
from installed_plugins import only_installed

from automl.errors import PluginError
from automl.registry import SAMPLER
from automl.sampler import Strategy


class First(Strategy):
    """Proposes nothing but the first choice."""

    name = "first"

    def __init__(self, parameters, _constants, *, seed):
        self._parameters, self._seed = parameters, seed

    def ask(self):
        return {parameter.name: parameter.domain.choices[0] for parameter in self._parameters}

    def tell(self, *_):
        pass


class Nameless(Strategy):
    """A strategy that forgot its name."""

    __init__ = First.__init__
    ask = First.ask
    tell = First.tell


not_a_strategy = 3


def point(name: str, attribute: str, distribution: str | None = "other-searches") -> metadata.EntryPoint:
    value = attribute if ":" in attribute else f"{__name__}:{attribute}"
    entry_point = metadata.EntryPoint(name, value, SAMPLER.group)
    if distribution is None:
        return entry_point
    return entry_point._for(SimpleNamespace(name=distribution, version="1.2"))


@pytest.fixture
def install():
    """Give a function that makes these entry points the only ones that are installed."""

    with ExitStack() as stack:
        yield lambda *points: stack.enter_context(only_installed(SAMPLER, *points))


def test_strategy_of_another_distribution_is_found(install):
    install(point("first", "First"))
    assert list(SAMPLER.installed()) == ["first"]
    assert SAMPLER.load("first") is First


def test_listing_imports_nothing(install):
    install(point("broken", "no_such_package:Thing"))
    assert list(SAMPLER.installed()) == ["broken"]


@pytest.mark.parametrize("attribute", ["no_such_package:Thing", "NoSuchClass"])
def test_strategy_that_cannot_be_imported_names_its_distribution(install, attribute):
    install(point("broken", attribute))
    with pytest.raises(PluginError, match=r"sampler 'broken' of other-searches 1\.2 cannot be imported: .*[nN]o") as at:
        SAMPLER.load("broken")
    assert "\n" not in str(at.value)


@pytest.mark.parametrize("attribute", ["not_a_strategy", "point", "pytest"])
def test_entry_point_that_is_no_strategy_is_refused(install, attribute):
    install(point("odd", attribute))
    with pytest.raises(PluginError, match=r"'odd' of other-searches 1\.2 is .*, not a subclass of .*correct its entry"):
        SAMPLER.load("odd")


@pytest.mark.parametrize("attribute", ["First", "Nameless"])
def test_strategy_of_another_name_is_refused(install, attribute):
    install(point("third", attribute))
    with pytest.raises(PluginError, match=r"'third' of other-searches 1\.2 (calls itself 'first'|has no name)"):
        SAMPLER.load("third")


def test_name_that_two_distributions_claim_is_refused_when_it_is_used(install):
    install(point("first", "First", "one"), point("first", "elsewhere:First", "two"))
    assert list(SAMPLER.installed()) == ["first"]
    with pytest.raises(PluginError, match=r"'first' is claimed by one 1\.2 and by two 1\.2; uninstall one of them"):
        SAMPLER.load("first")


def test_one_strategy_that_is_listed_twice_is_found_once(install):
    install(point("first", "First"), point("first", "First", "a copy on sys.path"))
    assert SAMPLER.load("first") is First


def test_entry_point_without_a_distribution_is_named_so(install):
    install(point("broken", "no_such_package:Thing", None))
    with pytest.raises(PluginError, match="'broken' of an unknown distribution cannot be imported"):
        SAMPLER.load("broken")
