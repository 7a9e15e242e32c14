"""A space resolves points: equal trials have equal canonical points, and a recipe has what a trial needs."""

import json

import pytest
from pydantic import ValidationError

from automl.core.domain import Categorical, Integer, Real
from automl.core.objective import Objective
from automl.core.parameter import Condition, Parameter
from automl.core.profile import Profile
from automl.core.recipe import StageRecipe, Teacher
from automl.core.space import ProfileSpec, SearchSpace
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.core.value import Scalar
from automl.spaces.load import load_space

PRUNED = Condition(parameter="pruner", values=("l1_norm", "fpgm"))


@pytest.fixture
def space() -> SearchSpace:
    return SearchSpace(
        name="small",
        description="",
        parameters=(
            Parameter(name="conv_net.depth", domain=Integer(low=1, high=2)),
            Parameter(name="conv_net.width_1", domain=Categorical(choices=(8, 16))),
            Parameter(
                name="conv_net.width_2",
                domain=Categorical(choices=(8, 16)),
                condition=Condition(parameter="conv_net.depth", values=(2,)),
            ),
            Parameter(name="pruner", domain=Categorical(choices=("none", "l1_norm", "fpgm"))),
            Parameter(
                name="fpgm.epochs",
                domain=Integer(low=0, high=3),
                condition=Condition(parameter="pruner", values=("fpgm",)),
            ),
            Parameter(name="sparsity.level", domain=Real(low=0.0, high=0.8), condition=PRUNED),
            Parameter(name="sparsity.offset_1", domain=Real(low=-0.2, high=0.2), condition=PRUNED),
        ),
        constants={"architecture": "conv_net", "conv_net.kernel": 3, "sparsity.slope": 0.1},
        profiles={Stage.PRUNER: ProfileSpec(name="sparsity", low=0.0, high=0.9, offsets=2)},
        training=TrainingSettings(epochs=3),
        dataset="digits",
        objectives=(Objective.parse("accuracy:max"),),
    )


FULL = {
    "sparsity.offset_1": 0.05,
    "sparsity.level": 0.4,
    "fpgm.epochs": 2,
    "pruner": "fpgm",
    "conv_net.width_2": 16,
    "conv_net.width_1": 8,
    "conv_net.depth": 2,
}


def test_a_canonical_point_is_in_the_order_of_the_space(space):
    assert list(space.canonical(FULL)) == [parameter.name for parameter in space.parameters]


def test_points_that_differ_only_where_nothing_applies_are_equal(space):
    first = space.canonical({**FULL, "conv_net.depth": 1, "pruner": "none"})
    second = space.canonical({"conv_net.depth": 1, "conv_net.width_1": 8, "pruner": "none", "conv_net.width_2": 8})
    assert first == second == {"conv_net.depth": 1, "conv_net.width_1": 8, "pruner": "none"}


def test_canonical_of_a_canonical_point_is_itself(space):
    canonical = space.canonical(FULL)
    assert space.canonical(canonical) == canonical


def test_a_parameter_below_an_inactive_one_is_inactive(space):
    grandchild = Parameter(
        name="fpgm.rate", domain=Integer(low=1, high=2), condition=Condition(parameter="fpgm.epochs", values=(2,))
    )
    deeper = space.model_copy(update={"parameters": (*space.parameters, grandchild)})
    assert "fpgm.rate" in deeper.canonical({**FULL, "fpgm.rate": 1})
    assert "fpgm.rate" not in deeper.canonical({**FULL, "fpgm.rate": 1, "pruner": "l1_norm"})


def test_a_missing_active_parameter_is_named(space):
    with pytest.raises(ValueError, match=r"lacks 'conv_net\.width_2'"):
        space.canonical({name: value for name, value in FULL.items() if name != "conv_net.width_2"})


def test_a_value_outside_its_domain_is_named(space):
    with pytest.raises(ValueError, match=r"conv_net\.width_1 = 12 is outside its domain"):
        space.canonical({**FULL, "conv_net.width_1": 12})


def test_a_recipe_has_the_stages_in_order_with_their_own_hyperparameters(space):
    recipe = space.recipe(FULL, seed=7)
    assert [(stage.stage, stage.technique) for stage in recipe.stages] == [
        (Stage.ARCHITECTURE, "conv_net"),
        (Stage.PRUNER, "fpgm"),
    ]
    build, prune = recipe.stages
    assert build.hyperparameters == {"depth": 2, "width_1": 8, "width_2": 16, "kernel": 3}
    assert build.profile is None
    assert prune.hyperparameters == {"epochs": 2}
    assert prune.profile == Profile(level=0.4, slope=0.1, offsets=(0.0, 0.05), low=0.0, high=0.9)
    assert (recipe.seed, recipe.training) == (7, TrainingSettings(epochs=3))


def test_a_stage_that_the_point_leaves_out_is_not_in_the_recipe(space):
    recipe = space.recipe({"conv_net.depth": 1, "conv_net.width_1": 8, "pruner": "none"}, seed=0)
    assert [stage.stage for stage in recipe.stages] == [Stage.ARCHITECTURE]


def test_equal_points_have_equal_recipes(space):
    shuffled = dict(sorted(FULL.items()))
    assert space.recipe(FULL, seed=1) == space.recipe(shuffled, seed=1)
    assert space.recipe(FULL, seed=1).model_dump_json() == space.recipe(shuffled, seed=1).model_dump_json()


def test_a_space_and_a_recipe_come_back_from_json(space):
    assert SearchSpace.model_validate_json(space.model_dump_json()) == space
    recipe = space.recipe(FULL, seed=1)
    assert type(recipe).model_validate_json(recipe.model_dump_json()) == recipe


def test_a_space_refuses_a_parameter_that_is_also_fixed(space):
    with pytest.raises(ValidationError, match=r"'conv_net\.depth' is declared twice"):
        SearchSpace(**{**dict(space), "constants": {"conv_net.depth": 1}})


def test_values_are_frozen_and_refuse_unknown_fields(space):
    with pytest.raises(ValidationError, match="frozen"):
        space.name = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        TrainingSettings(epoch=3)


def test_a_fixed_architecture_takes_the_place_of_those_that_are_searched():
    space = load_space("digits").with_architecture("python", {"target": "mine:make"})
    assert not [parameter.name for parameter in space.parameters if parameter.name.startswith("conv_net")]
    assert space.constants["architecture"] == "python"
    recipe = space.recipe({"pruner": "none", "quantizer": "none"}, seed=0)
    assert [(stage.technique, stage.hyperparameters) for stage in recipe.stages] == [
        ("python", {"target": "mine:make"})
    ]


TAUGHT = Parameter(name="distiller", domain=Categorical(choices=("none", "dynamic_layerwise")))
LARGEST = {"depth": 2, "width_1": 16, "width_2": 16, "kernel": 3}


def network(technique: str, hyperparameters: dict[str, Scalar]) -> StageRecipe:
    return StageRecipe(stage=Stage.ARCHITECTURE, technique=technique, hyperparameters=hyperparameters)


def test_a_recipe_with_a_distiller_names_the_largest_network_as_its_teacher(space):
    taught = space.model_copy(update={"parameters": (*space.parameters, TAUGHT)})
    recipe = taught.recipe({**FULL, "conv_net.depth": 1, "distiller": "dynamic_layerwise"}, seed=0)
    assert recipe.stages[-1] == StageRecipe(
        stage=Stage.DISTILLER, technique="dynamic_layerwise", hyperparameters={}, profile=None
    )
    assert recipe.teacher == Teacher(candidates=(network("conv_net", LARGEST),))
    assert taught.recipe({**FULL, "distiller": "none"}, seed=0).teacher is None


def test_a_space_says_whether_it_has_distillers(space):
    assert not space.has_distillers
    assert not space.model_copy(update={"constants": {**space.constants, "distiller": "none"}}).has_distillers
    assert space.model_copy(update={"constants": {**space.constants, "distiller": "mine"}}).has_distillers
    assert space.model_copy(update={"parameters": (*space.parameters, TAUGHT)}).has_distillers


def test_a_teacher_that_the_space_names_comes_first(space):
    teacher = Teacher(candidates=(network("python", {"target": "mine:make"}),), is_trained=True)
    named = space.model_copy(update={"parameters": (*space.parameters, TAUGHT), "teacher": teacher})
    assert named.recipe({**FULL, "distiller": "dynamic_layerwise"}, seed=0).teacher == teacher
    assert named.recipe({**FULL, "distiller": "none"}, seed=0).teacher is None


def test_each_architecture_has_a_largest_network():
    space = load_space("residual")
    assert space.largest_architectures() == (
        network("resnet", {"stages": 3, "blocks": 2, "width": 16}),
        network("mobilenet_v2", {"stages": 3, "blocks": 2, "width": 16, "expansion": 4, "kernel": 5}),
    )
    (digits,) = load_space("digits").largest_architectures()
    assert digits.hyperparameters == {
        "depth": 4, "width_1": 32, "width_2": 48, "width_3": 64, "width_4": 64, "kernel": 5, "activation": "relu",
    }  # fmt: skip


def test_a_network_of_the_user_is_its_own_teacher():
    space = load_space("prune_distil").with_architecture("python", {"target": "mine:make"})
    assert space.largest_architectures() == (network("python", {"target": "mine:make"}),)


def test_a_space_and_a_recipe_from_before_there_were_teachers_load(space):
    for value in (space, space.recipe(FULL, seed=1)):
        document = json.loads(value.model_dump_json())
        del document["teacher"]
        assert type(value).model_validate_json(json.dumps(document)) == value
