"""What a user should know, before the first trial, of how images and labels are taken."""

from automl.core.augmentation import Augmentation
from automl.core.dataset_spec import DatasetSpec
from automl.core.image import InputConvention
from automl.core.stage import Stage
from automl.datasets.dataset import GIVEN
from automl.registry import technique_class
from automl.search.request import SearchRequest
from automl.search.task_choice import task_note
from automl.technique import Architecture


def data_notes(request: SearchRequest) -> list[str]:
    """Say what the defaults are, a line each, and what changes them; nothing where the user chose.

    Args:
        request: Its data are loaded.
    """
    return [*_task_note(request), *_augmentation_note(request), *_input_note(request)]


def _task_note(request: SearchRequest) -> list[str]:
    """Say which task the labels are for; nothing where the user or the space chose."""
    if request.task is not None or request.space.task is not None:
        return []
    labels = request.data.train.labels.dtype
    before = request.objectives if request.has_own_objectives else request.space.objectives
    return [task_note(request.data.task, str(labels), before, request.objectives)]


def _augmentation_note(request: SearchRequest) -> list[str]:
    """Say what the default does to training images, and what changes it; nothing where the user chose."""
    dataset = request.data
    if request.space.training.augmentation is not None:
        return []
    default = dataset.augmentation
    others = "|".join(each for each in Augmentation if each is not default)
    return [f"training images are {default.described(dataset.image_shape.height)} (--augmentation {others} to change)"]


def _input_note(request: SearchRequest) -> list[str]:
    """Say what a network of the user's own is given for the pixels: it may have been trained on other numbers."""
    dataset = request.data
    kinds = [technique_class(str(name), Stage.ARCHITECTURE) for name in request.space.choices(Stage.ARCHITECTURE)]
    if not any(issubclass(kind, Architecture) and kind.answers_in_units for kind in kinds):
        return []
    own = next(each for each in (InputConvention.UNIT, InputConvention.STANDARDIZED) if each is not dataset.input)
    change = (
        f"add 'input': '{own}' to the data"
        if dataset.spec == GIVEN
        else f"name the data {DatasetSpec.parse(dataset.spec).asking({'input': own})}"
    )
    known = "; ".join(f"{each}: {each.meaning}" for each in InputConvention)
    given = f"your network is given {dataset.input} images, {dataset.normalization}"
    return [f"{given}; where it was trained on others, {change} ({known})"]
