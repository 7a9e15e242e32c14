"""Space files become spaces: names, ranges, conditions, constants, and the recipe of a point."""

from itertools import product
from pathlib import Path

import pytest

from automl.core.domain import Categorical, Integer, Real
from automl.core.parameter import Condition
from automl.core.profile import Profile
from automl.core.recipe import Teacher
from automl.core.space import SearchSpace
from automl.core.stage import Stage
from automl.errors import SpaceError
from automl.registry import technique_class
from automl.spaces.load import load_space, shipped_spaces

SMALL = """
architecture:
  conv_net:
    depth: [2, 3]
    width_1: 8
    width_2: {min: 8, max: 16, step: 4}
    width_3: 16
    kernel: 3
    activation: [relu, gelu]
training: {epochs: 2, learning_rate: 0.02}
pruner:
  none:
  level: {recovery_epochs: 1}
  l1_norm: {recovery_epochs: 2, channel_multiple: [2, 4]}
sparsity:
  level: {min: 0.2, max: 0.6, step: 0.2}
  slope: 0.1
quantizer: {qat: {epochs: 3}}
weight_bits:
  level: 6
  slope: {min: -1, max: 1}
  offsets: {sections: 2, min: -1, max: 1}
"""
POINT = {
    "conv_net.depth": 3,
    "conv_net.width_2": 12,
    "conv_net.activation": "gelu",
    "pruner": "l1_norm",
    "l1_norm.channel_multiple": 2,
    "sparsity.level": 0.4,
    "weight_bits.slope": -1,
    "weight_bits.offset_0": 0,
    "weight_bits.offset_1": 1,
}


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> SearchSpace:
        file = Path(tmp_path, "mine.yaml")
        file.write_text(text, encoding="utf-8")
        return load_space(str(file))

    return load


def domains(space: SearchSpace) -> dict[str, object]:
    return {parameter.name: parameter.domain for parameter in space.parameters}


def conditions(space: SearchSpace) -> dict[str, Condition | None]:
    return {parameter.name: parameter.condition for parameter in space.parameters}


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_space_resolves_and_every_technique_has_a_recipe(name):
    space = load_space(name)
    assert space.name == name
    assert space.description
    extremes = [
        [(parameter.name, choice) for choice in parameter.domain.choices]
        for parameter in space.parameters
        if parameter.name in tuple(Stage)
    ]
    for chosen in product(*extremes):
        point = {parameter.name: first_value(parameter.domain) for parameter in space.parameters} | dict(chosen)
        recipe = space.recipe(point, seed=0)
        for stage in (*recipe.stages, *(recipe.teacher.candidates if recipe.teacher is not None else ())):
            technique_class(stage.technique, stage.stage).model_validate(stage.hyperparameters)
            assert (stage.profile is None) == (stage.stage in (Stage.ARCHITECTURE, Stage.DISTILLER))


def first_value(domain: object) -> bool | int | float | str:
    return domain.extremes()[0]


def test_file_gets_its_own_name_and_the_defaults(load):
    space = load("architecture: {conv_net: }")
    assert space.name == "mine"
    assert space.dataset == "digits"
    assert [str(objective) for objective in space.objectives] == ["accuracy:max", "size_bytes:min", "latency_ms:min"]
    assert space.constants == {"architecture": "conv_net", "pruner": "none", "quantizer": "none"}
    assert space.profiles == {}


def test_fields_that_the_file_does_not_name_take_the_range_of_the_plugin(load):
    found = domains(load("architecture: {conv_net: {depth: 4}}\nquantizer: {qat: }"))
    assert found["conv_net.width_4"] == Integer(low=8, high=64, step=8)
    assert found["conv_net.kernel"] == Categorical(choices=(3, 5))
    assert found["qat.epochs"] == Integer(low=1, high=5)
    assert "qat.learning_rate" not in found  # it declares no range: its default holds


def test_three_ways_to_state_a_field(load):
    space = load(
        "architecture: {conv_net: {depth: 3, kernel: [5], width_1: [8, 12], width_2: {min: 8, max: 64, log: true}}}"
    )
    assert space.constants["conv_net.depth"] == 3
    assert space.constants["conv_net.kernel"] == 5
    assert domains(space)["conv_net.width_1"] == Categorical(choices=(8, 12))
    assert domains(space)["conv_net.width_2"] == Integer(low=8, high=64, log=True)


def test_profile_ranges_are_real_where_a_bound_is(load):
    found = domains(load(SMALL))
    assert found["sparsity.level"] == Real(low=0.2, high=0.6, step=0.2)
    assert found["weight_bits.slope"] == Integer(low=-1, high=1)
    assert found["weight_bits.offset_1"] == Integer(low=-1, high=1)


RAW = """
architecture: {conv_net: {depth: [2, 4]}}
pruner: {none: , l1_norm: }
sparsity:
  per_layer: {layers: 4, min: 0, max: 0.6, step: 0.2}
quantizer: {ptq: }
weight_bits:
  per_layer: {layers: 5, min: 2, max: 8}
"""


def test_every_layer_has_a_number_of_its_own_where_the_file_says_per_layer(load):
    space = load(RAW)
    found = {name: domain for name, domain in domains(space).items() if name.startswith(("sparsity.", "weight_bits."))}
    assert found == {
        **{f"sparsity.layer_{index}": Real(low=0.0, high=0.6, step=0.2) for index in range(4)},
        **{f"weight_bits.layer_{index}": Integer(low=2, high=8) for index in range(5)},
    }
    assert conditions(space)["sparsity.layer_3"] == Condition(parameter="pruner", values=("l1_norm",))
    shares, bits = (0.0, 0.2, 0.4, 0.6), (8, 3, 2, 5, 7)
    point = {
        **{parameter.name: first_value(parameter.domain) for parameter in space.parameters},
        "pruner": "l1_norm",
        **{f"sparsity.layer_{index}": share for index, share in enumerate(shares)},
        **{f"weight_bits.layer_{index}": number for index, number in enumerate(bits)},
    }
    _, pruner, quantizer = space.recipe(point, seed=0).stages
    assert pruner.profile.values(4) == list(shares)
    assert quantizer.profile.whole_values(5) == list(bits)
    assert pruner.profile.values(2) == [0.0, 0.4]  # a shallower network reads the numbers at its layers' depths


def test_parameters_apply_only_where_they_matter(load):
    found = conditions(load(SMALL.replace("    width_3: 16\n", "    width_3: [8, 16]\n")))
    assert found["conv_net.width_2"] is None
    assert found["conv_net.width_3"] == Condition(parameter="conv_net.depth", values=(3, 4))
    assert found["l1_norm.channel_multiple"] == Condition(parameter="pruner", values=("l1_norm",))
    assert found["sparsity.level"] == Condition(parameter="pruner", values=("level", "l1_norm"))
    assert found["weight_bits.slope"] is None


def test_inactive_parameters_are_no_part_of_a_point(load):
    space = load(SMALL.replace("    width_3: 16\n", "    width_3: [8, 16]\n"))
    shallow = {**POINT, "conv_net.width_3": 8, "conv_net.depth": 2, "pruner": "none"}
    assert space.canonical(shallow).keys() == POINT.keys() - {"l1_norm.channel_multiple", "sparsity.level"}
    assert space.canonical({**POINT, "conv_net.width_3": 8})["conv_net.width_3"] == 8


@pytest.mark.parametrize(
    ("depth", "present"),
    [("2", set()), ("3", {"width_3"}), ("4", {"width_3", "width_4"}), ("[2, 3]", {"width_3", "width_4"})],
)
def test_constant_parent_keeps_or_removes_what_depends_on_it(load, depth, present):
    space = load(f"architecture: {{conv_net: {{depth: {depth}, width_3: 16, width_4: {{min: 8, max: 16}}}}}}")
    found = {name.removeprefix("conv_net.") for name in {*domains(space), *space.constants}}
    assert found & {"width_3", "width_4"} == present
    if depth == "4":
        assert conditions(space)["conv_net.width_4"] is None


def test_only_technique_of_a_stage_is_constant_and_needs_no_condition(load):
    space = load("architecture: {conv_net: }\npruner: {fpgm: {channel_multiple: [2, 4]}}")
    assert space.constants["pruner"] == "fpgm"
    assert conditions(space)["fpgm.channel_multiple"] is None
    assert conditions(space)["sparsity.level"] is None


def test_recipe_says_what_the_file_says(load):
    space = load(SMALL)
    recipe = space.recipe(POINT, seed=7)
    architecture, pruner, quantizer = recipe.stages
    assert recipe.seed == 7
    assert (recipe.training.epochs, recipe.training.learning_rate) == (2, 0.02)
    assert (architecture.stage, architecture.technique, architecture.profile) == ("architecture", "conv_net", None)
    assert architecture.hyperparameters == {
        "depth": 3, "width_1": 8, "width_2": 12, "width_3": 16, "kernel": 3, "activation": "gelu",
    }  # fmt: skip
    assert pruner.technique == "l1_norm"
    assert pruner.hyperparameters == {"recovery_epochs": 2, "channel_multiple": 2}
    assert pruner.profile == Profile(level=0.4, slope=0.1, low=0.0, high=0.95)
    assert quantizer.hyperparameters == {"epochs": 3}
    assert quantizer.profile == Profile(level=6, slope=-1, offsets=(0, 1), low=2, high=8)
    assert quantizer.profile.whole_values(3) == [7, 6, 6]


def test_recipe_leaves_out_a_stage_that_is_none(load):
    stages = load(SMALL).recipe({**POINT, "pruner": "none"}, seed=0).stages
    assert [stage.stage for stage in stages] == [Stage.ARCHITECTURE, Stage.QUANTIZER]


DISTILLED = (
    "architecture: {conv_net: {depth: [2, 3], width_1: [8, 16], activation: silu}}\ndistiller: {dynamic_layerwise: }\n"
)


def teacher(space: SearchSpace) -> Teacher:
    found = space.recipe({p.name: first_value(p.domain) for p in space.parameters}, seed=0).teacher
    assert found is not None
    return found


@pytest.mark.parametrize("stated", ["", "teacher:", "teacher: largest"])
def test_the_largest_network_of_the_space_teaches_where_the_file_names_nobody(load, stated):
    found = teacher(load(DISTILLED + stated))
    assert [candidate.hyperparameters for candidate in found.candidates] == [
        {"depth": 3, "width_1": 16, "width_2": 64, "width_3": 64, "kernel": 5, "activation": "silu"}
    ]
    assert not found.is_trained


def test_a_teacher_is_as_large_as_the_space_allows_where_its_fields_are_open(load):
    (candidate,) = teacher(load(DISTILLED + "teacher: {conv_net: {depth: 2, width_1: 48}}")).candidates
    assert candidate.hyperparameters == {
        "depth": 2, "width_1": 48, "width_2": 64, "kernel": 5, "activation": "silu",
    }  # fmt: skip


def test_a_teacher_may_be_of_an_architecture_that_is_not_searched(load):
    (candidate,) = teacher(load(DISTILLED + "teacher: {resnet: {blocks: 1}}")).candidates
    assert (candidate.technique, candidate.hyperparameters) == ("resnet", {"stages": 4, "blocks": 1, "width": 32})


def test_a_teacher_may_be_a_trained_network_of_the_users(load):
    found = teacher(load(DISTILLED + "teacher: my_networks:make_teacher"))
    assert [(candidate.technique, candidate.hyperparameters) for candidate in found.candidates] == [
        ("python", {"target": "my_networks:make_teacher"})
    ]
    assert found.is_trained


def test_a_space_without_distillers_has_no_such_choice(load):
    space = load("architecture: {conv_net: }")
    assert "distiller" not in {*domains(space), *space.constants}


def test_unknown_name_lists_the_nearest_space():
    with pytest.raises(SpaceError, match="unknown space 'digit'; did you mean digits"):
        load_space("digit")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(SpaceError, match=r"nowhere\.yaml cannot be read: .*No such file.*check the path"):
        load_space(str(tmp_path / "nowhere.yaml"))


def test_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "image.yaml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(SpaceError, match=r"image\.yaml is not text in UTF-8"):
        load_space(str(tmp_path / "image.yaml"))


@pytest.mark.parametrize(
    ("written", "learning_rate"),
    [("1e-2", 0.01), ("1E-2", 0.01), ("1.0e-2", 0.01), (".5", 0.5), ("5e-1", 0.5), ("1", 1), ("+.1e+1", 1.0)],
)
def test_a_number_is_read_as_people_write_it(load, written, learning_rate):
    space = load(f"architecture: {{conv_net: }}\ntraining: {{learning_rate: {written}, batch_size: 1_024}}\n")
    assert space.training.learning_rate == learning_rate
    assert space.training.batch_size == 1024


@pytest.mark.parametrize("word", ["'yes'", '"010"', "'2026-01-02'", "!!str 1e-2", "1e", "e1", "1.2.3", "y", "~x"])
def test_a_word_that_is_quoted_or_no_number_stays_a_word(load, word):
    space = load(f"architecture: {{conv_net: }}\ndescription: {word}\n")
    assert space.description == word.removeprefix("!!str ").strip("'\"")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("pruner: l1_norm", "pruner: {l1_norm: }"),
        ("pruner: none", "pruner: {none: }"),
        ("pruner: [l1_norm]", "pruner: {l1_norm: }"),
        ("pruner: [l1_norm, none]", "pruner: {l1_norm: , none: }"),
        ("quantizer:\n  - none\n  - qat: {epochs: 3}", "quantizer: {none: , qat: {epochs: 3}}"),
        ("objectives: accuracy:max", "objectives: ['accuracy:max']"),
        ("objectives:\n  - accuracy: max\n  - size_bytes: min", "objectives: ['accuracy:max', 'size_bytes:min']"),
        ("objectives: {accuracy: max, size_bytes: min}", "objectives: ['accuracy:max', 'size_bytes:min']"),
    ],
)
def test_the_short_form_means_the_long_one(load, short, long):
    assert load(f"architecture: conv_net\n{short}\n") == load(f"architecture: {{conv_net: }}\n{long}\n")


def test_a_file_may_begin_with_a_byte_order_mark(load):
    assert load("\ufeffarchitecture: conv_net\n").constants["architecture"] == "conv_net"


@pytest.mark.parametrize(
    ("written", "dataset"),
    [
        ("digits", "digits"),
        ("imagefolder:d?resize=64", "imagefolder:d?resize=64x64"),
        ("{source: imagefolder:d}", "imagefolder:d"),
        ("{source: imagefolder:d, resize: 64}", "imagefolder:d?resize=64x64"),
        ("{background: '#fff', source: imagefolder:d, convert: grey}", "imagefolder:d?convert=grey&background=white"),
        ("{source: 'imagefolder:d?convert=rgb', resize: 8x9}", "imagefolder:d?resize=8x9&convert=rgb"),
    ],
)
def test_the_data_set_is_one_text_or_its_parts(load, written, dataset):
    assert load(f"architecture: conv_net\ndataset: {written}\n").dataset == dataset


@pytest.mark.parametrize("written", ["none", "shift", "flip", "shift_and_flip"])
def test_augmentation_is_a_key_of_training_and_part_of_every_recipe(load, written):
    space = load(f"{SMALL.replace('learning_rate', f'augmentation: {written}, learning_rate')}")
    assert space.training.augmentation == written
    assert f'"augmentation":"{written}"' in space.recipe(POINT, seed=0).model_dump_json()


def test_without_the_key_the_data_set_decides(load):
    assert load("architecture: conv_net\n").training.augmentation is None


@pytest.mark.parametrize("written", ["task: regression\n", ""])
def test_a_space_may_name_its_task(load, written):
    assert load("architecture: conv_net\n" + written).task == ("regression" if written else None)
