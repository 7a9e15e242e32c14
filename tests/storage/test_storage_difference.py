"""Whatever of a study changes what its trials are is a difference; each is derived from one spec by one change."""

import copy
import json

import pytest
from pydantic import ValidationError
from storage_study import study_spec

from automl.core.study import StudySpec
from automl.storage.difference import differences

SAME_STUDY = {("name",), ("created_at",), ("schema_version",), ("space", "name"), ("space", "description")}


def places(content, place=()):
    """Give the place of every value that is no container, and of every container that is empty."""
    if isinstance(content, dict | list) and content:
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, each in items:
            yield from places(each, (*place, key))
    else:
        yield place


def changed(value):
    """Give other values, of which one should be legal."""
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value + 0.25, value / 2, value - 1]
        case str():
            others = ["max", "min", ">=", "integer", "real", "quantizer", "openvino", "shift", f"{value}_", "cd" * 32]
            return [other for other in others if other != value]
        case None:
            return [1, 1.0, "relu", ["a"], {"candidates": []}, "resnet18"]
        case _:
            return [["x"], {"x": 1}, [1]]


def with_change(content, place, value):
    copied = copy.deepcopy(content)
    inner = copied
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copied


CONTENT = json.loads(study_spec().model_dump_json())
LEAVES = [place for place in places(CONTENT) if place[0] != "versions"]


def neighbours(place):
    value = CONTENT
    for key in place:
        value = value[key]
    for other in changed(value):
        try:
            yield StudySpec.model_validate_json(json.dumps(with_change(CONTENT, place, other)))
        except ValidationError:
            continue


@pytest.mark.parametrize("place", LEAVES, ids=lambda place: ".".join(map(str, place)))
def test_a_change_at_any_place_is_a_difference_or_none_by_intention(place):
    found = [differences(study_spec(), other) for other in neighbours(place) if other != study_spec()]
    if place in SAME_STUDY:
        assert found == [[]] * len(found)
    else:
        assert all(found)


def test_most_places_have_a_legal_neighbour():
    assert sum(any(True for _ in neighbours(place)) for place in LEAVES) > 0.7 * len(LEAVES)


def test_versions_of_libraries_are_no_difference():
    assert differences(study_spec(), study_spec().model_copy(update={"versions": {"torch": "9"}})) == []
