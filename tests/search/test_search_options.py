"""An option is spelt once, and read from what either the command line or a Python program gives."""

import inspect
import math
from datetime import timedelta
from pathlib import Path

import pytest
from tiny_study import tiny_space

from automl.cli.search_options import option_parameters
from automl.core.objective import Constraint, Objective
from automl.core.target import Target
from automl.errors import UsageError
from automl.search.options import SearchOptions
from automl.search.request import SearchRequest
from automl.study import search


def test_python_and_the_command_line_have_the_same_options_with_the_same_defaults():
    in_python = inspect.signature(search).parameters
    defaults = {name: in_python[name].default for name in SearchOptions.model_fields}
    assert SearchOptions.read(defaults) == SearchOptions()
    assert in_python.keys() - SearchOptions.model_fields.keys() == {"space", "data", "model", "progress"}
    on_the_command_line = {each.name: each for each in option_parameters()}
    assert on_the_command_line.keys() == SearchOptions.model_fields.keys()
    given = {name: each.default for name, each in on_the_command_line.items() if each.default is not None}
    assert SearchOptions.read(given) == SearchOptions()
    for each in on_the_command_line.values():
        assert each.annotation.__metadata__[0].help


def test_values_may_be_written_as_on_the_command_line_or_be_what_they_are():
    written = SearchOptions.read(
        {
            "objectives": ["accuracy:max"],
            "constraints": "size_bytes<=50kB",
            "target": "cpu:2",
            "time_budget": "2m",
            "cache_size": "1GB",
            "enqueue": "points.json",
            "store": Path("elsewhere"),
        }
    )
    meant = SearchOptions.read(
        {
            "objectives": (Objective.parse("accuracy:max"),),
            "constraints": [Constraint.parse("size_bytes<=50000")],
            "target": Target(threads=2),
            "time_budget": 120.0,
            "cache_size": 1_000_000_000,
            "enqueue": Path("points.json"),
            "store": "elsewhere",
        }
    )
    assert written == meant
    assert SearchOptions().time_budget == math.inf
    assert written.cache_limit_bytes == 1_000_000_000
    assert SearchOptions.read({"no_cache": True}).cache_limit_bytes is None


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("budget", "many", ["budget", "'many'", "integer"]),
        ("keep_artifacts", "best", ["'best'", "front, all, none"]),
        ("early_stopping", True, ["True", "auto, off"]),
        ("augmentation", "mirror", ["'mirror'", "shift_and_flip"]),
        ("time_budget", timedelta(minutes=2), ["time_budget", "number"]),
        ("objectives", 7, ["objectives", "7", "tuple"]),
        ("objective", "accuracy:max", ["objective", "accuracy:max", "not permitted"]),
    ],
)
def test_a_value_that_is_none_is_refused_by_name(option, value, words):
    with pytest.raises(UsageError) as refused:
        SearchOptions.read({option: value})
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_request_takes_from_the_space_what_the_options_leave_open():
    space = tiny_space()
    request = SearchRequest.about(space, None, SearchOptions())
    assert (request.study, request.dataset, request.objectives) == ("tiny", "digits", space.objectives)
    chosen = SearchRequest.about(
        space, "parquet:x", SearchOptions.read({"study": "mine", "objectives": "accuracy:max", "augmentation": "flip"})
    )
    assert (chosen.study, chosen.dataset, len(chosen.objectives)) == ("mine", "parquet:x", 1)
    assert chosen.space.training.augmentation == "flip"
    assert space.training.augmentation is None, "the space that was given is left as it is"
