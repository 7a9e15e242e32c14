"""A target is read with the runtimes that are installed, whoever ships them."""

import pytest
from installed_plugins import also_installed

from automl.core.target import Target
from automl.errors import PluginError, UsageError
from automl.measure.runtime import check_target, runtime_name
from automl.measure.targets import read_target, runtime_of, timed_runtimes
from automl.registry import RUNTIME
from automl.runtime import Runtime


class Mine1(Runtime):
    """Somebody's."""

    name = "mine_1"
    title = "Mine"

    def open(self, path, *, threads):
        raise NotImplementedError

    def usage(self, path, *, threads):
        raise NotImplementedError


class Format(Mine1):
    name = "format"
    title = "My format"
    is_timed = False


class Unnamed(Mine1):
    name = "unnamed"
    files = ()


@pytest.fixture(autouse=True)
def runtimes():
    with also_installed(RUNTIME, Mine1, Format, Unnamed):
        yield


def test_a_runtime_of_somebody_else_is_a_target():
    assert read_target("mine_1:2:3") == Target(device="mine_1", threads=2, batch=3)
    assert isinstance(runtime_of(read_target("mine_1")), Mine1)
    assert runtime_name(Target(device="mine_1")) == "mine_1"


def test_only_what_can_be_timed_is_a_target():
    assert {"cpu", "mine_1"} <= set(timed_runtimes())
    assert not {"format", "unnamed"} & set(timed_runtimes())
    for refuse in (lambda: read_target("format:1"), lambda: check_target(Target(device="format"))):
        with pytest.raises(
            UsageError, match=r"My format cannot be timed .*targets are cpu, .*mine_1.*--format format`"
        ):
            refuse()


def test_a_broken_runtime_is_refused_with_its_fault():
    with pytest.raises(PluginError, match=r"'unnamed' of tests 1 has the files \(\)"):
        read_target("unnamed:1")


def test_an_unknown_target_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"'nobodys:1' .*devices cpu, .*mine_1"):
        read_target("nobodys:1")
