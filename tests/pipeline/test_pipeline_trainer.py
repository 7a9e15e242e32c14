"""Each split is used for what it is for: train to train and calibrate, validation to score, test for nothing here."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Dataset, Split
from automl.pipeline.trainer import Trainer
from automl_plugins.tasks.classification import Classification

CPU = torch.device("cpu")
TRAIN, VALIDATION, TEST = 10, 110, 210
"""Every pixel of a split's images is within 40 levels of its own."""


def split_around(level, count, *, labels):
    generator = np.random.default_rng(level)
    images = generator.integers(level, level + 40, size=(count, 1, 8, 8), dtype=np.uint8)
    return Split(images, np.asarray(labels(count)))


def dataset(*, augmentation=Augmentation.NONE, train=40):
    return Dataset(
        spec="levels",
        train=split_around(TRAIN, train, labels=lambda count: np.arange(count) % 2),
        validation=split_around(VALIDATION, 10, labels=lambda count: np.zeros(count, dtype=np.int64)),
        test=split_around(TEST, 10, labels=lambda count: np.ones(count, dtype=np.int64)),
        task=Classification(outputs=2),
        normalization=Normalization(scale=1.0, zero_point=0),  # an input is its pixel
        augmentation=augmentation,
        fingerprint="levels",
    )


class Watching(nn.Module):
    """Keeps what it is shown, and always answers 0."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([1e3, 0.0]))
        self.shown = []

    def forward(self, images):
        self.shown += list(images.detach().clone())
        return self.bias.expand(len(images), 2)


def trainer_of(data, **training):
    recipe = Recipe(stages=(), training=TrainingSettings(**{"epochs": 1, "batch_size": 8, **training}), seed=0)
    return Trainer(recipe, data, CPU)


def context_of(data, **training):
    return trainer_of(data, **training).context(once=lambda _name, make: make())


def as_set(images):
    return {np.asarray(image, dtype=np.float32).tobytes() for image in images}


@pytest.mark.parametrize("way", ["fit", "fit_on"])
def test_training_sees_the_training_images_and_no_others(way):
    data, model = dataset(), Watching()
    trainer = trainer_of(data)
    if way == "fit":
        trainer.fit(model, epochs=1, learning_rate=0.01)
    else:
        trainer.fit_on(model, until_epoch=None, resume=None, on_epoch=lambda *_: None)
    assert as_set(model.shown) == as_set(data.train.images)
    assert trainer.epochs_trained == 1


def test_a_score_is_the_accuracy_on_the_validation_images_as_they_are():
    data, model = dataset(augmentation=Augmentation.SHIFT_AND_FLIP), Watching()
    assert trainer_of(data, augmentation="shift").score(model) == 1.0  # all of validation is class 0, none of test is
    np.testing.assert_array_equal(torch.stack(model.shown), data.validation.images)


@pytest.mark.parametrize(("train", "kept"), [(40, 40), (1100, 1024)])
def test_calibration_images_are_the_first_training_images_as_they_are(train, kept):
    data = dataset(augmentation=Augmentation.SHIFT_AND_FLIP, train=train)
    np.testing.assert_array_equal(context_of(data).calibration, data.train.images[:kept])


def test_what_technique_and_loop_see_is_normalised_alike():
    data = dataset()
    object.__setattr__(data, "normalization", Normalization(scale=0.5, zero_point=10))
    model = Watching()
    trainer_of(data).fit(model, epochs=1, learning_rate=0.01)
    expected = as_set((data.train.images - 10.0) * 0.5)
    assert as_set(model.shown) == as_set(context_of(data).calibration) == expected


@pytest.mark.parametrize(
    ("of_data", "of_recipe", "is_varied"),
    [("none", None, False), ("flip", None, True), ("none", "flip", True), ("flip", "none", False)],
)
def test_the_recipe_says_how_images_are_varied_and_else_the_data_set(of_data, of_recipe, is_varied):
    data, model = dataset(augmentation=Augmentation(of_data)), Watching()
    trainer_of(data, augmentation=of_recipe).fit(model, epochs=1, learning_rate=0.01)
    mirrored = as_set(data.train.images[:, :, :, ::-1])
    assert bool(mirrored & as_set(model.shown)) is is_varied
    assert as_set(model.shown) <= mirrored | as_set(data.train.images)


@pytest.mark.parametrize(("limit", "steps"), [(None, 5), (17, 2), (18, 3), (8, 1)])
def test_steps_of_an_epoch_are_those_that_the_loop_makes(limit, steps):
    data, batches = dataset(), []
    trainer = trainer_of(data, max_train_images=limit)
    assert context_of(data, max_train_images=limit).steps_per_epoch == steps

    def loss(model, images, labels):
        batches.append(len(labels))
        return functional.cross_entropy(model(images), labels)

    trainer.fit(Watching(), epochs=1, learning_rate=0.01, loss=loss)
    assert len(batches) == steps


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_a_technique_is_that_of_the_study(smoothing):
    images, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    loss = context_of(dataset(), label_smoothing=smoothing).loss(nn.Identity(), images, labels)
    torch.testing.assert_close(loss, functional.cross_entropy(images, labels, label_smoothing=smoothing))


def test_the_settings_of_the_recipe_reach_the_loop():
    data, epochs = dataset(), []
    trainer = trainer_of(data, epochs=4, batch_size=10, weight_decay=0.0, max_train_images=20)
    model = Watching()
    report = trainer.fit_on(model, until_epoch=None, resume=None, on_epoch=lambda epoch, _: epochs.append(epoch))
    assert (report.epochs, epochs, trainer.epochs_trained) == (4, [1, 2, 3, 4], 4)
    assert len(model.shown) == 4 * 20
    assert as_set(model.shown) == as_set(data.train.images[:20])
    fit = partial(trainer.fit, learning_rate=0.01, max_steps=3)
    fit(model, epochs=5)
    assert len(model.shown) == 4 * 20 + 3 * 10
