"""Where early stopping will not act, it is said before the first trial."""

import pytest
from tiny_study import tiny_space, wide_space

from automl.core.training_settings import TrainingSettings
from automl.stopping.unjudged import unjudged_notes


def notes(space, can_judge, *, epochs=30):
    longer = space.model_copy(update={"training": TrainingSettings(epochs=epochs)})
    return list(unjudged_notes(longer, can_judge, seed=0))


@pytest.mark.parametrize("epochs", [1, 5])
def test_too_few_epochs_for_a_pause_are_told_with_how_many_are_needed(epochs):
    (note,) = notes(tiny_space(), lambda _point: True, epochs=epochs)
    assert "does nothing here, and every trial trains to its end" in note
    assert f"training has {epochs} epochs, and a pause needs 6" in note


@pytest.mark.parametrize("epochs", [6, 30])
def test_nothing_is_told_where_every_trial_can_be_judged(epochs):
    assert not notes(tiny_space(), lambda _point: True, epochs=epochs)


def test_a_space_of_which_no_size_is_known_is_told():
    (note,) = notes(tiny_space(), lambda _point: False)
    assert "does nothing here" in note
    assert "the size of no network of this space is known" in note


def test_each_technique_that_cannot_be_judged_is_named_and_no_other():
    found = notes(wide_space(), lambda point: point["pruner"] not in {"fpgm", "l1_norm"})
    assert [note.partition(" train to its end")[0] for note in found] == [
        "--early-stopping auto lets every trial with pruner fpgm",
        "--early-stopping auto lets every trial with pruner l1_norm",
    ]
