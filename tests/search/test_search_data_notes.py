"""What a network is given for the pixels is said where it is the user's own, and it is what the user said."""

import numpy as np
import pytest
import torch
from torch import nn

from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.core.training_settings import TrainingSettings
from automl.datasets.given import given_dataset
from automl.datasets.load import load_dataset
from automl.errors import DatasetError
from automl.network.handed_over import hand_over
from automl.pipeline.stages import StageRunner
from automl.search.data_notes import data_notes
from automl.search.options import SearchOptions
from automl.search.request import SearchRequest


def said(data, model=None):
    request = SearchRequest.about("digits", data, SearchOptions.read({}), model=model).loaded()
    return [note for note in data_notes(request) if "your network" in note]


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def arrays(**more):
    digits = load_dataset("digits")
    pairs = {name: (part.images, part.labels) for name, part in (("train", digits.train), ("test", digits.test))}
    return pairs | more


def test_a_network_of_the_users_own_is_told_what_it_is_given():
    (note,) = said("digits", network())
    assert note.startswith("your network is given standardized images, (pixel - 78) * ")
    assert "name the data 'digits?input=unit' (standardized: mean 0" in note
    (note,) = said("digits?input=unit", network())
    assert note.startswith("your network is given unit images, pixel * 0.00392; ")
    assert "'digits?input=standardized'" in note


def test_data_that_were_handed_over_are_told_of_by_their_key():
    (note,) = said(arrays(input="pixels"), network())
    assert note.startswith("your network is given pixels images, pixel; ")
    assert "add 'input': 'unit' to the data" in note


def test_networks_that_a_search_trains_need_no_word():
    assert said("digits") == []


def test_data_of_another_input_are_other_data():
    kinds = [load_dataset(f"digits{query}").fingerprint for query in ("", "?input=standardized", "?input=unit")]
    assert kinds[0] == kinds[1] != kinds[2]
    assert given_dataset(arrays()).fingerprint != given_dataset(arrays(input="unit")).fingerprint


def test_an_unknown_input_is_refused():
    with pytest.raises(DatasetError, match="data: input 'zero to one' is none of standardized, unit, pixels"):
        given_dataset(arrays(input="zero to one"))


def test_a_network_that_was_trained_on_numbers_from_0_to_1_answers_as_its_owner_has_it():
    dataset = given_dataset(arrays(input="unit"))
    own = network()
    rows = dataset.train.images.reshape(len(dataset.train), -1) / 255
    solution, *_ = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))], np.eye(10)[dataset.train.labels], rcond=None)
    with torch.no_grad():
        own[1].weight.copy_(torch.tensor(solution[:-1].T))
        own[1].bias.copy_(torch.tensor(solution[-1]))
        expected = own(torch.tensor(dataset.validation.images / 255, dtype=torch.float32))
    own.requires_grad_(False)  # it is not trained
    stage = StageRecipe(
        stage=Stage.ARCHITECTURE, technique="given", hyperparameters={"network": hand_over(own)}, profile=None
    )
    recipe = Recipe(stages=(stage,), training=TrainingSettings(epochs=1), seed=0)
    model = StageRunner(recipe, dataset, torch.device("cpu")).run().model
    images = torch.tensor(dataset.validation.images, dtype=torch.float32)
    with torch.no_grad():
        found = model((images - dataset.normalization.zero_point) * dataset.normalization.scale)
    torch.testing.assert_close(found, expected)
    assert (found.argmax(1).numpy() == dataset.validation.labels).mean() > 0.85
