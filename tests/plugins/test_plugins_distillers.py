"""Distillers train in the place of any fit: towards the teacher, by the published losses, and leave nothing behind."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE
from automl.technique import Distiller, Fit, Profile, Pruner, Stage, StageContext
from automl.testing.context import context, logits, trained
from automl.testing.networks import CLASSES, Block, plain, residual
from automl.training.predict import predict
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.distillers.adaptive1d_layerwise import Adaptive1dLayerwise
from automl_plugins.distillers.dynamic_layerwise import DynamicLayerwise

TECHNIQUES = {name: plugin.load() for name, plugin in TECHNIQUE.installed().items()}
DISTILLERS = [name for name, technique in TECHNIQUES.items() if technique.stage is Stage.DISTILLER]
COMPRESSORS = [name for name, technique in TECHNIQUES.items() if technique.stage in (Stage.PRUNER, Stage.QUANTIZER)]
HOOKS = [name for name in vars(nn.Module()) if name.endswith(("_hooks", "_pre_hooks"))]
SPARSITY, BITS = Profile(level=0.5), Profile(level=4, low=2, high=8)

each_distiller = pytest.mark.parametrize("name", DISTILLERS)


def taught(distiller: Distiller, given: StageContext, teacher: nn.Module) -> StageContext:
    return replace(given, fit=distiller.distill(teacher, given))


def teacher() -> nn.Module:
    return trained(residual).requires_grad_(requires_grad=False)


def first_loss(distiller: Distiller, student: nn.Module, **settings: Any) -> tuple[float, nn.Module]:
    """Give the loss of the first batch, and the module that is trained, without training it."""
    given = context()
    found: list[Any] = []

    def fit(learner: nn.Module, *, loss: Any, **_: Any) -> None:
        learner.train()
        found.extend([loss(learner, *batch()).item(), learner])

    taught(distiller, replace(given, fit=fit), teacher()).fit(student, epochs=1, learning_rate=0.01, **settings)
    return found[0], found[1]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return context().calibration[:16], torch.arange(16) % CLASSES


def answers(network: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the logits and the features before them."""
    body, classifier = (network[:-1], network[-1]) if isinstance(network, nn.Sequential) else (None, network.classifier)
    if body is None:
        body = copy.deepcopy(network)
        body.classifier = nn.Identity()
    features = body(images)
    return classifier(features), features


def soft_distance(student: torch.Tensor, master: torch.Tensor, temperature: float) -> torch.Tensor:
    """Hinton et al.'s loss, from its definition: T² Σ p log(p / q), the mean over the images."""
    p, q = (torch.softmax(each.double() / temperature, dim=1) for each in (master, student))
    return temperature**2 * (p * (p / q).log()).sum(dim=1).mean()


@pytest.mark.parametrize("temperature", [0.5, 2.0, 6.0])
def test_loss_is_that_of_hinton_and_others(temperature):
    student, (images, labels) = trained(plain).train(), batch()
    found, _ = first_loss(DynamicLayerwise(weight=0.3, temperature=temperature), copy.deepcopy(student))
    own, goal = student(images), teacher()(images)
    expected = 0.7 * functional.cross_entropy(own, labels) + 0.3 * soft_distance(own, goal, temperature)
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_loss_may_be_the_squared_difference_of_logits():
    student, (images, labels) = trained(plain).train(), batch()
    found, _ = first_loss(DynamicLayerwise(weight=0.3, loss="mse"), copy.deepcopy(student))
    own, goal = student(images), teacher()(images)
    expected = 0.7 * functional.cross_entropy(own, labels) + 0.3 * (own - goal).square().mean()
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_features_of_other_widths_are_compared_through_a_linear_map():
    student, (images, labels) = trained(plain).train(), batch()
    distiller = Adaptive1dLayerwise(weight=0.4, temperature=3.0, features_weight=2.0)
    found, learner = first_loss(distiller, copy.deepcopy(student))
    weight, bias = [parameter for name, parameter in learner.named_parameters() if name.startswith("adapters")]
    own, own_features = answers(student, images)
    goal, features = answers(teacher(), images)
    assert weight.shape == (features.shape[1], own_features.shape[1])
    difference = (own_features @ weight.T + bias - features).square().mean()
    expected = 0.6 * functional.cross_entropy(own, labels) + 0.4 * (soft_distance(own, goal, 3.0) + 2 * difference)
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_loss_of_the_caller_takes_the_place_of_that_of_the_study():
    student, (images, _) = trained(plain).train(), batch()
    found, learner = first_loss(
        DynamicLayerwise(weight=0.3),
        student,
        loss=lambda model, given, _: 8 + 0 * model(given).sum() * (model is student),
    )
    goal = teacher()(images)
    assert learner is not student
    assert found == pytest.approx(0.7 * 8 + 0.3 * soft_distance(student(images), goal, 2.0).item(), rel=1e-5)


@each_distiller
def test_student_comes_nearer_to_its_teacher_than_by_labels_alone(name):
    goal = logits(teacher())

    def distance(given: StageContext) -> float:
        torch.manual_seed(0)
        student = plain()
        given.fit(student, epochs=4, learning_rate=0.01)
        return soft_distance(logits(student), goal, 4.0).item()

    assert distance(taught(TECHNIQUES[name](weight=0.9, temperature=4.0), context(), teacher())) < 0.7 * distance(
        context()
    )


@each_distiller
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_distiller_trains_inside_every_pruner_and_quantizer(name, compressor):
    technique, master, given = TECHNIQUES[compressor](), teacher(), context()
    before, passes = copy.deepcopy(master.state_dict()), []
    handle = master.register_forward_hook(lambda *_: passes.append(1))
    student, learning = trained(plain), taught(TECHNIQUES[name](), given, master)
    if isinstance(technique, Pruner):
        model = technique.prune(student, SPARSITY, learning)
    else:
        model = technique.quantize(technique.prepared(student, context().calibration), BITS, learning).model
    handle.remove()
    assert bool(passes) == any("epochs" in field for field in type(technique).model_fields)
    assert float((logits(model).argmax(1) == logits(master).argmax(1)).float().mean()) > 1.5 / CLASSES
    assert list(leftovers(model)) == list(leftovers(master)) == []
    assert all(torch.equal(value, before[key]) for key, value in master.state_dict().items())
    assert not master.training


def leftovers(model: nn.Module) -> Iterator[str]:
    for path, module in model.named_modules():
        yield from (f"{path}: {key}" for key in vars(module) if key == "forward" or "_nni" in key)
        yield from (f"{path}: {hooks}" for hooks in HOOKS if getattr(module, hooks))
    yield from (path for path, _ in model.named_parameters() if path.startswith(("student", "adapters")))


def test_linear_map_is_trained_by_the_optimizer_of_the_caller_and_then_given_up():
    maps: list[list[torch.Tensor]] = []
    given, student = context(), plain()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.01, momentum=0.9)

    def fit(learner: nn.Module, **settings: Any) -> None:
        adapters = [parameter for name, parameter in learner.named_parameters() if name.startswith("adapters")]
        maps.append([adapter.detach().clone() for adapter in adapters])
        given.fit(learner, **settings)
        maps.append(adapters)

    learning = taught(Adaptive1dLayerwise(), replace(given, fit=fit), teacher())
    learning.fit(student, epochs=1, learning_rate=0.01, optimizer=optimizer)
    first, last = maps
    assert len(first) == 2
    assert not any(torch.equal(before, after) for before, after in zip(first, last, strict=True))
    assert [group["params"] for group in optimizer.param_groups] == [list(student.parameters())]
    assert optimizer.state.keys() == set(student.parameters())


@each_distiller
def test_wrapped_student_runs_once_a_batch(name):
    """A quantizer starts its scales at the first pass, so there must be none but those of the training."""
    given, student, passes = context(), plain(), []
    handle = student.register_forward_hook(lambda *_: passes.append(1))
    taught(TECHNIQUES[name](), given, teacher()).fit(student, epochs=2, learning_rate=0.01)
    handle.remove()
    assert len(passes) == 2 * given.steps_per_epoch


@each_distiller
def test_random_state_of_the_caller_stays(name):
    learning = taught(TECHNIQUES[name](), context(), teacher())
    student, state = plain(), torch.get_rng_state()
    learning.fit(student, epochs=1, learning_rate=0.01)
    assert torch.equal(torch.get_rng_state(), state)


def test_fit_that_diverges_leaves_no_hook_either():
    student, master = plain(), teacher()
    student[0].conv.weight.data.fill_(torch.inf)
    with pytest.raises(FloatingPointError):
        taught(Adaptive1dLayerwise(), context(), master).fit(student, epochs=1, learning_rate=0.01)
    assert list(leftovers(student)) == list(leftovers(master)) == []


def without_classifier() -> nn.Module:
    return nn.Sequential(Block(3, 8), nn.Conv2d(8, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def with_classifier_a_pixel() -> nn.Module:
    return nn.Sequential(nn.Flatten(2), nn.Linear(144, CLASSES), nn.AdaptiveAvgPool2d((1, CLASSES)), nn.Flatten())


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (without_classifier, "Sequential ends with no linear layer of 5 outputs whose inputs could be compared"),
        (with_classifier_a_pixel, r"classifier of Sequential reads \[\(2, 3, 144\)\] for 2 images, not one vector"),
    ],
)
def test_network_without_a_vector_of_features_is_infeasible_for_adaptive1d_alone(network, message):
    with pytest.raises(InfeasibleError, match=f"{message}.*choose dynamic_layerwise"):
        Adaptive1dLayerwise().check(network(), context())
    DynamicLayerwise().check(network(), context())


@pytest.mark.slow
@each_distiller
def test_teacher_that_knows_more_helps_a_student_with_few_images(name):
    digits = load_dataset("digits")

    def given(images: int, seed: int) -> StageContext:
        recipe = Recipe(stages=(), training=TrainingSettings(max_train_images=images), seed=seed)
        return StageRunner(recipe, digits, torch.device("cpu")).context()

    def accuracy(fit: Fit, seed: int, epochs: int) -> tuple[float, nn.Module]:
        torch.manual_seed(seed)
        model = ConvNet(depth=2, width_1=16, width_2=32).build(given(1, seed))
        fit(model, epochs=epochs, learning_rate=0.01)
        split = digits.validation
        answers = predict(model, split.images, normalization=digits.normalization, device=torch.device("cpu"))
        return float((answers.argmax(1) == split.labels).mean()), model

    _, master = accuracy(given(len(digits.train.labels), 0).fit, 0, 15)
    gains = []
    for seed in range(1, 4):
        few = given(120, seed)
        gains.append(accuracy(TECHNIQUES[name]().distill(master, few), seed, 60)[0] - accuracy(few.fit, seed, 60)[0])
    assert sum(gains) / len(gains) > 0
