"""The registry finds techniques by entry point, and says whose fault it is where one does not work."""

from contextlib import ExitStack
from importlib import metadata
from types import SimpleNamespace

import pytest
from installed_plugins import also_installed, only_installed

from automl.core.stage import Stage
from automl.errors import PluginError
from automl.plugins import forget_installed
from automl.registry import SAMPLER, STOPPING, TECHNIQUE, technique_class
from automl.sampler import AnySampler
from automl.search.options import SearchOptions
from automl.search.request import SearchRequest
from automl.technique import Pruner, Technique


class Halve(Pruner):
    """A pruner of somebody else."""

    name = "halve"

    def prune(self, model, *_):
        return model


class Other(Halve):
    """Another pruner of somebody else."""

    name = "other"


class Nameless(Pruner):
    """A pruner that forgot its name."""

    def prune(self, model, *_):
        return model


class Stageless(Technique):
    """A technique that belongs to no stage."""

    name = "stageless"


not_a_technique = 3


def point(name: str, value: str, distribution: str | None = "other-pruners") -> metadata.EntryPoint:
    entry_point = metadata.EntryPoint(name, value, TECHNIQUE.group)
    if distribution is None:
        return entry_point
    return entry_point._for(SimpleNamespace(name=distribution, version="1.2"))


def here(attribute: str) -> str:
    return f"{__name__}:{attribute}"


@pytest.fixture
def install():
    """Give a function that makes these entry points the only ones that are installed."""

    with ExitStack() as stack:
        yield lambda *points: stack.enter_context(only_installed(TECHNIQUE, *points))


def test_shipped_techniques_name_their_distribution():
    shipped = TECHNIQUE.installed()["conv_net"]
    assert shipped.distribution == f"automl-pareto {metadata.version('automl-pareto')}"
    assert technique_class("conv_net", Stage.ARCHITECTURE).name == "conv_net"


def test_technique_of_another_distribution_is_found(install):
    install(point("halve", here("Halve")))
    assert list(TECHNIQUE.installed()) == ["halve"]
    assert TECHNIQUE.installed()["halve"].distribution == "other-pruners 1.2"
    assert technique_class("halve", Stage.PRUNER) is Halve


def test_listing_imports_nothing(install):
    install(point("broken", "no_such_package:Thing"))
    assert list(TECHNIQUE.installed()) == ["broken"]


def test_unknown_name_lists_the_nearest():
    with pytest.raises(PluginError, match=r"unknown technique 'l1_nrm'; did you mean l1_norm") as caught:
        technique_class("l1_nrm")
    assert "\n" not in str(caught.value)


def test_unknown_name_that_is_near_to_nothing_says_where_to_look():
    with pytest.raises(PluginError, match=r"unknown technique 'zzzzzz'; `automl plugins` lists what is installed"):
        technique_class("zzzzzz")


def test_technique_of_another_stage_is_refused_with_those_that_fit():
    with pytest.raises(
        PluginError, match=r"'conv_net' is of the stage architecture, not quantizer; .* quantizer: .*ptq, qat"
    ):
        technique_class("conv_net", Stage.QUANTIZER)


def test_broken_technique_of_somebody_else_does_not_hide_the_wrong_stage(install):
    install(point("halve", here("Halve")), point("broken", "no_such_package:Thing"))
    with pytest.raises(PluginError, match="'halve' is of the stage pruner, not quantizer"):
        technique_class("halve", Stage.QUANTIZER)


@pytest.mark.parametrize("value", ["no_such_package:Thing", f"{__name__}:NoSuchClass"])
def test_technique_that_cannot_be_imported_names_its_distribution(install, value):
    install(point("broken", value))
    with pytest.raises(
        PluginError,
        match=r"'broken' of other-pruners 1\.2 cannot be imported: \w+Error: .*[nN]o.*; "
        r"run `pip install --force-reinstall other-pruners`, which",
    ):
        technique_class("broken")


@pytest.mark.parametrize("attribute", ["not_a_technique", "here", "pytest"])
def test_entry_point_that_is_no_technique_is_refused(install, attribute):
    install(point("odd", here(attribute)))
    with pytest.raises(PluginError, match=r"'odd' of other-pruners 1\.2 is .*, not a subclass of .*correct its entry"):
        technique_class("odd")


def test_technique_that_calls_itself_otherwise_is_refused(install):
    install(point("third", here("Halve")))
    with pytest.raises(PluginError, match=r"'third' of other-pruners 1\.2 calls itself 'halve'; give .* the same name"):
        technique_class("third")


def test_technique_without_a_name_is_refused(install):
    install(point("nameless", here("Nameless")))
    with pytest.raises(PluginError, match=r"'nameless' of other-pruners 1\.2 has no name; set its class variable"):
        technique_class("nameless")


class Abstract(Pruner):
    """A pruner that does not prune."""

    name = "abstract"


def test_technique_that_leaves_its_method_out_is_refused(install):
    install(point("abstract", here("Abstract")))
    with pytest.raises(PluginError, match=r"'abstract' of other-pruners 1\.2 lacks prune; implement it"):
        technique_class("abstract")


def test_technique_without_a_stage_is_refused(install):
    install(point("stageless", here("Stageless")))
    with pytest.raises(PluginError, match=r"'stageless' of other-pruners 1\.2 has no stage; subclass"):
        technique_class("stageless", Stage.PRUNER)


def test_name_that_two_distributions_claim_is_refused(install):
    install(point("halve", here("Halve"), "one"), point("halve", "elsewhere:Halve", "two"))
    with pytest.raises(PluginError, match=r"'halve' is claimed by one 1\.2 and by two 1\.2; uninstall one of them"):
        technique_class("halve")


def test_a_name_that_is_claimed_twice_hurts_only_who_chooses_it(install):
    other = point("other", here("Other"))
    install(other, point("halve", here("Halve"), "one"), point("halve", "elsewhere:Halve", "two"))
    assert technique_class("other") is Other
    assert list(TECHNIQUE.broken()) == ["halve"]


def test_one_technique_that_is_listed_twice_is_found_once(install):
    install(point("halve", here("Halve")), point("halve", here("Halve"), "a copy on sys.path"))
    assert list(TECHNIQUE.installed()) == ["halve"]


def test_entry_point_without_a_distribution_is_listed(install):
    install(point("halve", here("Halve"), None))
    assert TECHNIQUE.installed()["halve"].distribution == "an unknown distribution"
    install(point("broken", "no_such_package:Thing", None))
    with pytest.raises(PluginError, match="cannot be imported"):
        technique_class("broken")


BROKEN_SOURCES = {
    "needs_more": ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
    "half_written": ("class Half(\n", r"SyntaxError: .* \(half_written.py, line 1\)"),
    "old": ("raise ValueError('this needs torch 1\\nand more')", "ValueError: this needs torch 1;"),
    "divides": ("1 / 0", "ZeroDivisionError: division by zero"),
    "leaves": ("import sys\nsys.exit(3)", "SystemExit: 3"),
}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Give a function that installs packages of one module, with the metadata that pip writes, on ``sys.path``."""

    def install(points: dict[str, str], group: str = TECHNIQUE.group, **sources: str) -> None:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
            info = tmp_path / f"{name}-2.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 2.0\n")
            entry = f"{points.get(name, name)} = {name}:Thing"
            (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
        monkeypatch.syspath_prepend(tmp_path)
        forget_installed()

    yield install
    forget_installed()


def test_packages_that_raise_while_they_are_imported_are_listed_and_refused_by_name(packages):
    packages({}, **{name: source for name, (source, _) in BROKEN_SOURCES.items()})
    assert TECHNIQUE.installed().keys() >= {*BROKEN_SOURCES, "conv_net", "qat"}
    broken = TECHNIQUE.broken()
    for name, (_, reason) in BROKEN_SOURCES.items():
        message = f"^technique '{name}' of {name} 2.0 cannot be imported: {reason}.*run `pip install --force-reinstall"
        assert "\n" not in str(broken[name])
        with pytest.raises(PluginError, match=message):
            technique_class(name)
    assert technique_class("conv_net", Stage.ARCHITECTURE).name == "conv_net"


def test_packages_that_claim_one_name_are_both_named(packages):
    packages({"one": "halve", "two": "halve"}, one="", two="")
    with pytest.raises(PluginError, match=r"'halve' is claimed by (one 2\.0 and by two|two 2\.0 and by one) 2\.0; "):
        technique_class("halve")


class Sideways(AnySampler):
    """A sampler that is neither of the two."""

    name = "sideways"


def test_a_sampler_of_neither_class_of_the_contract_is_refused():
    with also_installed(SAMPLER, Sideways), pytest.raises(PluginError, match="subclass Sampler or Strategy"):
        SAMPLER.load("sideways")


def test_a_stopping_rule_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path, packages):
    packages({}, STOPPING.group, broken_rule="1 / 0")
    options = SearchOptions.read({"early_stopping": "broken_rule", "store": str(tmp_path / "trials")})
    with pytest.raises(PluginError, match=r"'broken_rule' of broken_rule .* cannot be imported: ZeroDiv"):
        SearchRequest.about("digits", None, options).check()
    assert not (tmp_path / "trials").exists()
