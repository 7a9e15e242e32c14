"""A technique is shown with what is legal, what a search tries, and a space that uses it."""

import io
from typing import Annotated, Literal

import pytest
from pydantic import Field
from rich.console import Console

from automl.registry import KINDS, TASK, TECHNIQUE, technique_class
from automl.report.plugin_description import describe_plugin
from automl.report.technique_description import describe_technique
from automl.report.technique_details import plugin_details, plugins_table, technique_details
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.technique import ActiveIf, Categorical, Integer, Pruner, Real, Search, Stage

SHIPPED = [
    name for name, plugin in TECHNIQUE.installed().items() if plugin.entry_point.value.startswith("automl_plugins.")
]


class Base(Pruner):
    """Shared.

    Attributes:
        inherited: Comes from the base,
            over two lines.
    """

    inherited: Annotated[bool, Search(Categorical(choices=(True, False)))] = False


class Many(Base):
    """Has a field of every kind.

    A second paragraph with ``code``.

    Attributes:
        target: What it needs.
        kind: Which kind.
        depth: How deep, for ``a``.
        rate: How fast.
        plain: Nothing is tried.
    """

    name = "many"
    paper = "Somebody, Something, 2026"

    target: Annotated[str, Field(pattern="^x+$", examples=["xxx"])]
    kind: Annotated[Literal["a", "b"], Search(Categorical(choices=("a", "b")))] = "a"
    depth: Annotated[int, Field(ge=1, le=9), Search(Integer(low=2, high=8, step=2)), ActiveIf("kind", ("a",))] = 2
    rate: Annotated[float, Field(gt=0, le=1), Search(Real(low=0.01, high=1.0, log=True))] = 0.5
    plain: Annotated[int, Field(ge=0)] = 0

    def prune(self, model, *_):
        return model


MANY = describe_technique(Many, "somebody 1.0")


def shown(renderable, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_fields_say_what_is_legal_tried_and_when_they_matter():
    fields = {field.name: field for field in MANY.fields}
    assert {name: field.legal for name, field in fields.items()} == {
        "inherited": "true or false",
        "target": "like xxx",
        "kind": "a, b",
        "depth": "1 to 9",
        "rate": "above 0, at most 1",
        "plain": "at least 0",
    }
    assert {name for name, field in fields.items() if field.tried is None} == {"target", "plain"}
    assert {name for name, field in fields.items() if field.is_required} == {"target"}
    assert fields["depth"].active_if == "kind is a"
    assert fields["inherited"].meaning == "Comes from the base, over two lines."
    assert fields["rate"].json_schema == {"default": 0.5, "exclusiveMinimum": 0, "maximum": 1, "type": "number"}


def test_one_technique_is_shown_in_full():
    text = shown(technique_details(MANY))
    assert "many  pruner, from somebody 1.0" in text
    assert "A second paragraph with `code`." in text
    assert "Somebody, Something, 2026" in text
    assert "1 to 9; default 2; only where kind is a; a search tries 2 to 8 in steps of 2" in " ".join(text.split())
    assert "a, b; default a; a search tries all" in text
    assert "a search tries 0.01 to 1, on a logarithmic scale" in " ".join(text.split())
    assert "like xxx; must be given" in text
    assert "    many:\n" in "\n".join(line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("name", SHIPPED)
def test_example_of_every_shipped_technique_is_a_space_that_uses_it(name):
    technique = technique_class(name)
    example = describe_technique(technique, "automl").example
    space = resolve_space(name, parse_located(example, "example.yaml"))
    assert space.constants[technique.stage.value] == name
    given = {field for field in technique.model_fields if f"    {field}:" in example}
    assert given or not technique.model_fields
    assert all(f"{name}.{field}" in {*space.constants, *(each.name for each in space.parameters)} for field in given)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_technique_fits_80_columns_and_explains_its_fields(name):
    technique = describe_technique(technique_class(name), "automl 0.1.0")
    text = shown(technique_details(technique))
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "``" not in text
    for field in technique.fields:
        assert field.meaning, field.name
        assert field.name in text
    if name not in {"given", "python", "torchvision"}:
        assert technique.paper


def test_list_groups_techniques_by_stage_and_ends_with_those_that_cannot_be_used():
    techniques = [describe_technique(technique_class(name), "automl 0.1.0") for name in SHIPPED]
    lines = shown(plugins_table([*techniques, MANY], [], [("bad", "cannot be imported: it is broken")])).splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles == [*(f"{stage}s" for stage in Stage), "cannot be used"]
    names = {line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")}
    assert names == {*SHIPPED, "many", "bad"}
    assert any("from somebody 1.0" in line for line in lines)
    assert lines[-1].split() == ["bad", "cannot", "be", "imported:", "it", "is", "broken"]
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_list_groups_the_other_plugins_by_kind_behind_the_techniques():
    techniques = [describe_technique(technique_class(name), "automl 0.1.0") for name in SHIPPED]
    others = [describe_plugin(plugin) for kind in KINDS[1:] for plugin in kind.installed().values()]
    lines = shown(plugins_table(techniques, others, [])).splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles == [*(f"{stage}s" for stage in Stage), *(f"{kind.word}s" for kind in KINDS[1:] if kind.installed())]
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_a_plugin_of_another_kind_shows_what_its_contract_lets_it_declare():
    plugin = TASK.installed()["classification"]
    described = describe_plugin(plugin)
    assert described.facts["metric"] == plugin.load().metric
    text = shown(plugin_details(described, TASK.word))
    assert text.startswith(f"classification  task, from {plugin.distribution}")
    assert "label kinds" in text
