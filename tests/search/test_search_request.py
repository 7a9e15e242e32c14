"""A request that cannot be run is refused with its value, before anything is written."""

import socket

import pytest
from tiny_study import OBJECTIVES, tiny_space

from automl.core.objective import Constraint, Objective
from automl.core.target import Target
from automl.errors import UsageError
from automl.search import request
from automl.search.request import SearchRequest


@pytest.fixture
def request_of(tmp_path):
    def make(**changes):
        made = SearchRequest(
            space=tiny_space(),
            study="tiny",
            dataset="digits",
            objectives=OBJECTIVES,
            constraints=(),
            budget=4,
            sampler="tpe",
            store=str(tmp_path / "trials"),
        )
        return made.model_copy(update=changes)

    return make


def test_a_request_that_makes_sense_passes(request_of):
    request_of(constraints=(Constraint.parse("latency_ms<=2"), Constraint.parse("parameters<=9000"))).check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": 0}, ["0 trials", "--budget 1"]),
        ({"sampler": "tpee"}, ["'tpee'", "tpe, gp"]),
        ({"seed": -1}, ["seed -1", "--seed"]),
        ({"seed": 2**32}, ["4294967296"]),
        ({"workers": -2}, ["-2 workers", "--workers 1"]),
        ({"gpus_per_trial": -1.0}, ["-1 GPUs"]),
        ({"gpus_per_trial": float("nan")}, ["nan GPUs"]),
        ({"gpus_per_trial": 1e6}, ["1e+06 GPUs", "--gpus-per-trial"]),
        ({"address": "here"}, ["'here'", "HOST:PORT"]),
        ({"objectives": (OBJECTIVES[0], Objective.parse("accuracy:min"))}, ["accuracy:min", "twice"]),
        ({"objectives": (Objective.parse("accuracy:min"),)}, ["accuracy:min", "write accuracy:max"]),
        ({"constraints": (Constraint.parse("accuracy>=95"),)}, ["accuracy>=95", "write 0.95 or 95%"]),
        ({"study": "a/b"}, ["'a/b'", "digits-small"]),
        ({"objectives": (Objective.parse("speed:max"),)}, ["objective 'speed:max'", "no trial measures", "latency_ms"]),
        ({"objectives": (Objective.parse("latency:min"),)}, ["'latency:min'", "did you mean latency_ms"]),
        ({"objectives": (Objective.parse("test_accuracy:max"),)}, ["did you mean accuracy"]),
        ({"constraints": (Constraint.parse("foo<=1"),)}, ["constraint 'foo<=1'", "size_bytes"]),
        ({"constraints": (Constraint.parse("size<=1"),)}, ["did you mean size_bytes"]),
        ({"target": Target(device="openvino", threads=256)}, ["OpenVINO takes", "not 256", "--target openvino:"]),
    ],
)
def test_a_request_that_cannot_be_run_is_refused_with_its_value(request_of, changes, words):
    with pytest.raises(UsageError) as refused:
        request_of(**changes).check()
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_more_threads_than_processors_are_told_on_this_host_alone(request_of, monkeypatch):
    monkeypatch.setattr(request.os, "cpu_count", lambda: 2)
    (note,) = request_of(target=Target(threads=8)).notes()
    assert "target cpu:8 asks for 8 threads and this host has 2 processors" in note
    assert not request_of(target=Target(threads=2)).notes()
    assert not request_of(target=Target(threads=8), address="auto").notes()


def test_trials_on_a_gpu_must_be_given_one(request_of, monkeypatch):
    monkeypatch.setattr(request, "check_target", lambda _target: None)  # as on a host with a GPU
    with pytest.raises(UsageError, match=r"target cuda:1 measures on a GPU.*--gpus-per-trial 1"):
        request_of(target=Target(device="cuda")).check()


def test_an_address_where_nothing_listens_is_refused_at_once(request_of):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can take it meanwhile
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=address):
            request_of(address=address).check()
