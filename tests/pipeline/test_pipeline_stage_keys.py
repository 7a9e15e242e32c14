"""Two results share a key where everything that makes them is equal, and nowhere else."""

from dataclasses import replace
from typing import Annotated

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from installed_plugins import also_installed

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset, Split
from automl.pipeline.stage_keys import STEPS, Ground, once_key, planned_epochs, stage_keys
from automl.registry import TECHNIQUE, technique_class
from automl.technique import Epochs, Pruner
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.architectures.python_model import PythonModel
from automl_plugins.pruners.l1_norm import L1Norm
from automl_plugins.tasks.classification import Classification

GROUND = Ground(data=("digits",), processor="cpu", libraries=("torch 2",), code=("ab",))
FITS = {"all": {"fit", "prune", "quantize"}, "train": {"fit"}, "compress": {"prune", "quantize"}}


def stage(kind, technique, profile=None, **fields) -> StageRecipe:
    return StageRecipe(stage=kind, technique=technique, hyperparameters=fields, profile=profile)


profiles = st.builds(
    Profile,
    level=st.sampled_from([0.25, 0.5]),
    slope=st.sampled_from([0.0, 0.1]),
    offsets=st.sampled_from([(), (0.0, 0.1), (0.1, 0.0)]),
)
conv_nets = st.builds(
    lambda **fields: stage(Stage.ARCHITECTURE, "conv_net", **fields),
    depth=st.integers(2, 4),
    width_1=st.sampled_from([8, 16]),
    kernel=st.sampled_from([3, 5]),
    activation=st.sampled_from(["relu", "tanh"]),
)
pruners = st.builds(
    lambda name, profile, fields: stage(Stage.PRUNER, name, profile, **fields),
    st.sampled_from(["l1_norm", "l2_norm", "fpgm"]),
    profiles,
    st.sampled_from([{}, {"recovery_epochs": 3}, {"recovery_epochs": 8}]),  # 3 is what the technique takes by itself
)
quantizers = st.builds(
    lambda name, profile: stage(Stage.QUANTIZER, name, profile), st.sampled_from(["ptq", "qat", "lsq"]), profiles
)
distillers = st.builds(
    lambda fits: stage(Stage.DISTILLER, "dynamic_layerwise", fits=fits), st.sampled_from(["all", "train", "compress"])
)


@st.composite
def recipes(draw):
    optional = [draw(st.none() | stages) for stages in (pruners, quantizers, distillers)]
    stages = tuple(each for each in [draw(conv_nets), *optional] if each is not None)
    teachers = conv_nets.map(lambda candidate: Teacher(candidates=(candidate,)))
    return Recipe(
        stages=stages,
        training=TrainingSettings(epochs=draw(st.integers(1, 2)), learning_rate=draw(st.sampled_from([0.01, 0.02]))),
        seed=draw(st.integers(0, 1)),
        teacher=draw(teachers) if any(each.stage is Stage.DISTILLER for each in stages) else None,
    )


def meaning(recipe: Recipe, step: str) -> object:
    """Say what a step's result depends on, as plain values: techniques with all their fields, up to this step."""
    resolved = {
        each.stage: (technique_class(each.technique).model_validate(each.hyperparameters), each.profile)
        for each in recipe.stages
    }
    steps = [STEPS[kind] for kind in STEPS if kind in resolved]
    until = steps[: steps.index(step) + 1]
    distiller = resolved.get(Stage.DISTILLER)
    taught = [each for each in until if distiller is not None and each in FITS[distiller[0].fits]]
    teacher = recipe.teacher if taught else None
    stages = [resolved[kind] for kind in STEPS if kind in resolved and STEPS[kind] in until]
    return [recipe.training, recipe.seed, stages, taught and [distiller, teacher]]


TRAINING = {
    "epochs": 7,
    "batch_size": 17,
    "learning_rate": 0.03,
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "max_train_images": 100,
    "augmentation": Augmentation.SHIFT,
}
PROFILE = {"level": 0.3, "slope": 0.2, "offsets": (0.2,), "low": 0.125, "high": 0.875}
OTHERS = {"l1_norm": "l2_norm", "l2_norm": "fpgm", "fpgm": "l1_norm", "ptq": "qat", "qat": "lsq", "lsq": "ptq"}


def one_change_away(recipe: Recipe) -> dict[str, Recipe]:
    """Every recipe that differs from this one in a single field, by the name of the field."""
    found = {
        f"training.{name}": recipe.model_copy(update={"training": recipe.training.model_copy(update={name: value})})
        for name, value in TRAINING.items()
    }
    found["seed"] = recipe.model_copy(update={"seed": recipe.seed + 1})
    for index, each in enumerate(recipe.stages):
        for name, changed in stages_one_change_away(each).items():
            stages = (*recipe.stages[:index], changed, *recipe.stages[index + 1 :])
            found[f"{each.stage}.{name}"] = recipe.model_copy(update={"stages": stages})
    if recipe.teacher is not None:
        (candidate,) = recipe.teacher.candidates
        teachers = {
            "is_trained": {"is_trained": True},
            "candidates": {"candidates": (candidate, stage(Stage.ARCHITECTURE, "resnet"))},
            **{
                f"candidate.{name}": {"candidates": (other,)}
                for name, other in stages_one_change_away(candidate).items()
            },
        }
        for name, change in teachers.items():
            teacher = recipe.teacher.model_copy(update=change)
            found[f"teacher.{name}"] = recipe.model_copy(update={"teacher": teacher})
    return found


def stages_one_change_away(each: StageRecipe) -> dict[str, StageRecipe]:
    """Every stage that differs from this one in its technique, a field, or a number of its profile."""
    found = {}
    if each.technique in OTHERS:
        found["technique"] = each.model_copy(update={"technique": OTHERS[each.technique]})
    fields = {"width_2": 40} if each.stage is Stage.ARCHITECTURE else {}
    fields |= {"recovery_epochs": 5} if each.stage is Stage.PRUNER else {}
    fields |= {"temperature": 5.0, "weight": 0.25} if each.technique == "dynamic_layerwise" else {}
    known = technique_class(each.technique).model_fields
    for name, value in fields.items():
        if name in known:
            changed = {**each.hyperparameters, name: value}
            found[name] = each.model_copy(update={"hyperparameters": changed})
    for name, value in PROFILE.items() if each.profile is not None else ():
        found[f"profile.{name}"] = each.model_copy(update={"profile": each.profile.model_copy(update={name: value})})
    return found


FIRST_STEP = {"training": "fit", "seed": "fit", "architecture": "fit", "pruner": "prune", "quantizer": "quantize"}


@settings(max_examples=25, deadline=None)
@given(first=recipes())
def test_two_steps_share_a_key_exactly_where_they_mean_the_same(first):
    ours = stage_keys(first, GROUND)
    for changed, second in one_change_away(first).items():
        theirs = stage_keys(second, GROUND)
        assert ours.keys() == theirs.keys()
        for step in ours:
            assert (ours[step] == theirs[step]) == (meaning(first, step) == meaning(second, step)), (changed, step)
        other = [step for step in ours if ours[step] != theirs[step]]
        begins = FIRST_STEP.get(changed.partition(".")[0])
        if begins is not None:  # a distiller and its teacher change the steps that it takes part in
            assert other == list(ours)[list(ours).index(begins) :], changed
        assert {ours[step] for step in other}.isdisjoint(theirs.values())


@given(recipe=recipes(), dropped=st.sampled_from([Stage.PRUNER, Stage.QUANTIZER, Stage.DISTILLER]))
def test_steps_before_a_stage_that_is_left_out_keep_their_keys(recipe, dropped):
    shorter = recipe.model_copy(update={"stages": tuple(each for each in recipe.stages if each.stage is not dropped)})
    ours, theirs = stage_keys(recipe, GROUND), stage_keys(shorter, GROUND)
    for step in ours.keys() & theirs.keys():
        assert (ours[step] == theirs[step]) == (meaning(recipe, step) == meaning(shorter, step))


@pytest.mark.parametrize(("technique", "unchanged"), [(ConvNet, []), (L1Norm, ["fit"])])
def test_what_a_technique_says_of_its_content_changes_its_key_and_those_after_it(
    recipe, monkeypatch, technique, unchanged
):
    before = stage_keys(recipe, GROUND)
    monkeypatch.setattr(technique, "fingerprint", lambda _self: "other weights")
    after = stage_keys(recipe, GROUND)
    assert [step for step in before if before[step] == after[step]] == unchanged


def test_what_a_teacher_says_of_its_content_changes_the_keys_of_those_who_learn_from_it(recipe, monkeypatch):
    teacher = Teacher(candidates=(stage(Stage.ARCHITECTURE, "resnet"),), is_trained=True)
    distiller = stage(Stage.DISTILLER, "dynamic_layerwise", fits="compress")
    taught = recipe.model_copy(update={"stages": (*recipe.stages, distiller), "teacher": teacher})
    before = stage_keys(taught, GROUND)
    monkeypatch.setattr(technique_class("resnet"), "fingerprint", lambda _self: "other weights")
    after = stage_keys(taught, GROUND)
    assert [step for step in before if before[step] == after[step]] == ["fit"]


@given(recipe=recipes())
def test_a_recipe_has_the_same_keys_after_a_round_trip(recipe):
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert stage_keys(again, GROUND) == stage_keys(recipe, GROUND)
    assert len(set(stage_keys(recipe, GROUND).values())) == len(stage_keys(recipe, GROUND))


@pytest.fixture
def recipe():
    half = Profile(level=0.5)
    return Recipe(
        stages=(
            stage(Stage.ARCHITECTURE, "conv_net", depth=2),
            stage(Stage.PRUNER, "l1_norm", half, recovery_epochs=8),
            stage(Stage.QUANTIZER, "qat", Profile(level=6.0, low=2, high=8), epochs=2),
        ),
        training=TrainingSettings(epochs=30),
        seed=0,
    )


@pytest.mark.parametrize("fact", ["data", "processor", "libraries", "code"])
def test_what_every_result_depends_on_changes_every_key(fact, recipe):
    other = replace(GROUND, **{fact: "other" if fact == "processor" else ("other",)})
    keys, others = stage_keys(recipe, GROUND), stage_keys(recipe, other)
    assert set(keys.values()).isdisjoint(others.values())
    name = {"technique": ConvNet, "name": "supernet"}
    assert once_key(recipe, GROUND, **name) != once_key(recipe, other, **name)


def test_another_version_of_a_technique_changes_its_key_and_those_after_it(recipe, monkeypatch):
    before = stage_keys(recipe, GROUND)
    monkeypatch.setattr(L1Norm, "version", 2)
    after = stage_keys(recipe, GROUND)
    assert [step for step in before if before[step] == after[step]] == ["fit"]


def test_the_ground_tells_data_and_threads_apart():
    split, device = Split(np.zeros((4, 1, 8, 8), np.uint8), np.zeros(4, np.int64)), torch.device("cpu")
    normalization = Normalization(scale=0.5, zero_point=10)
    data = Dataset(
        "zeros", split, split, split, Classification(outputs=10), normalization, Augmentation.NONE, fingerprint="ab"
    )
    ground = Ground.of(data, device, threads=1)
    assert ground == Ground.of(data, device, threads=1)
    assert ground != Ground.of(data, device, threads=2)
    assert ground != Ground.of(replace(data, fingerprint="other"), device, threads=1)
    assert ground != Ground.of(replace(data, augmentation=Augmentation.SHIFT), device, threads=1)


def test_what_is_made_once_is_shared_by_name_within_a_technique(recipe):
    other = recipe.model_copy(update={"stages": recipe.stages[:1]})
    keys = {
        once_key(recipe, GROUND, technique=ConvNet, name="supernet"),
        once_key(recipe, GROUND, technique=ConvNet, name="larger supernet"),
        once_key(recipe, GROUND, technique=L1Norm, name="supernet"),
        once_key(recipe, GROUND, technique=None, name="supernet"),
    }
    assert len(keys) == 4
    assert once_key(other, GROUND, technique=ConvNet, name="supernet") in keys


def test_a_network_of_a_function_has_another_key_when_its_weights_or_its_source_change(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "from torch import nn\ndef make():\n    return nn.Linear(4, {})\n"
    fingerprints = []
    for name, outputs in (("first", 2), ("second", 3), ("third", 2)):
        (tmp_path / f"{name}.py").write_text(source.format(outputs), encoding="utf-8")
        fingerprints.append(PythonModel(target=f"{name}:make").fingerprint())
    assert fingerprints[0] == fingerprints[2] != fingerprints[1]


def test_epochs_are_planned_by_the_fields_that_count_them(recipe):
    assert planned_epochs(recipe) == {"fit": 30, "prune": 8, "quantize": 2}


class Patient(Pruner):
    """A pruner whose epochs have another name."""

    name = "patient"

    rounds: Annotated[int, Epochs()] = 5
    saved_epochs: int = 7

    def prune(self, model, sparsity, context):
        raise NotImplementedError


def test_epochs_are_planned_by_annotations_and_not_by_names(recipe):
    pruner = StageRecipe(stage=Stage.PRUNER, technique="patient", hyperparameters={"rounds": 6})
    architecture = next(stage for stage in recipe.stages if stage.stage is Stage.ARCHITECTURE)
    with also_installed(TECHNIQUE, Patient):
        planned = planned_epochs(recipe.model_copy(update={"stages": (architecture, pruner)}))
    assert planned == {"fit": 30, "prune": 6}
