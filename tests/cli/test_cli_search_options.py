"""Every option of ``automl search`` does something that its user can see; trials run in this process."""

import json
import os
import sys

import pytest
import torch
from command_line import write_space
from installed_plugins import also_installed

from automl.cli.main import main
from automl.engines import ray_engine
from automl.engines.inline_engine import run_inline
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.registry import TECHNIQUE
from automl.search import request, run
from automl.storage.store import TrialStore
from automl.technique import Quantizer

pytestmark = pytest.mark.slow

NETWORKS = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
"""
ARRAYS = """
import numpy as np

def make():
    random = np.random.default_rng(0)
    labels = np.arange(100) % 10
    images = random.integers(0, 256, (100, 1, 8, 8), dtype=np.uint8)
    return images, labels, images[::-1].copy(), labels[::-1].copy()
"""
POINT = {"conv_net.width_1": 16, "conv_net.width_2": 8, "conv_net.kernel": 5, "conv_net.activation": "tanh"}


def run_trials(session, store, dataset, request):
    """Stand in for Ray: the same session, store and cache, in one process."""
    torch.set_num_threads(1)
    cache = ray_engine._cache(os.path.abspath(request.store), request.cache_limit_bytes)  # noqa: PTH100
    runner = TrialRunner(
        spec=store.spec,
        dataset=dataset,
        store=store,
        meter=LatencyMeter(request.target),
        device=torch.device("cpu"),
        cache=cache,
    )
    run_inline(session, runner)


class Ended:
    """How a command ended, and what it left in its folder."""

    def __init__(self, folder, code, written):
        self.folder, self.code, self.out, self.err = folder, code, written.out, written.err

    def rows(self, study="tiny", store="trials"):
        return TrialStore.open(str(self.folder / store), study).read()

    def spec(self, study="tiny"):
        return TrialStore.open(str(self.folder / "trials"), study).spec

    def artifacts(self, study="tiny"):
        return sorted(int(path.name) for path in (self.folder / "trials" / study / "artifacts").glob("*"))

    def cached_bytes(self):
        return sum(path.stat().st_size for path in (self.folder / "trials" / ".cache").rglob("*") if path.is_file())


@pytest.fixture
def search(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOML_STORE", raising=False)
    monkeypatch.setattr(run, "_run_trials", run_trials)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write_space(tmp_path)
    write_space(tmp_path, "longer.yaml", epochs="6")

    def run_command(*arguments, space="tiny.yaml"):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["automl", "search", space, "--sampler", "random", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return Ended(tmp_path, code, capsys.readouterr())

    return run_command


def test_budget_and_study_and_seed_say_how_many_where_and_which(search):
    first = search("--budget", "2", "--study", "one", "--seed", "1")
    other = search("--budget", "2", "--study", "two", "--seed", "2")
    assert (first.code, other.code) == (0, 0), first.err + other.err
    assert [row.seed for row in first.rows("one")] == [1, 1]
    assert [row.seed for row in other.rows("two")] == [2, 2]
    assert [row.point for row in first.rows("one")] != [row.point for row in other.rows("two")]


def test_another_sampler_proposes_other_points(search):
    drawn = search("--budget", "2", "--study", "one")
    modelled = search("--budget", "2", "--study", "two", "--sampler", "auto")
    assert [row.point for row in drawn.rows("one")] != [row.point for row in modelled.rows("two")]


def test_the_data_set_is_the_one_that_is_named(search, tmp_path):
    (tmp_path / "my_arrays_of_options.py").write_text(ARRAYS)
    ended = search("--budget", "1", "--dataset", "python:my_arrays_of_options:make")
    assert ended.spec().dataset == "python:my_arrays_of_options:make"
    assert len(ended.rows()) == 1


def test_the_task_is_the_one_that_is_named_and_has_its_own_score(search):
    ended = search("--budget", "1", "--task", "regression")
    assert ended.code == 0, ended.err
    assert ended.spec().task == "regression"
    assert list(map(str, ended.spec().objectives)) == ["mean_absolute_error:min", "size_bytes:min"]
    (row,) = ended.rows()
    assert 0 < row.metrics["mean_absolute_error"] < 4  # which digit, as a number from 0 to 9
    assert "task " not in ended.err  # nothing was inferred


def test_the_network_is_the_one_that_the_function_gives(search, tmp_path):
    (tmp_path / "my_networks_of_options.py").write_text(NETWORKS)
    ended = search("--budget", "1", "--model", "my_networks_of_options:make")
    assert ended.code == 0, ended.err
    (row,) = ended.rows("tiny-make")
    assert row.metrics["parameters"] == 4 * 9 + 4 + 40 + 10


def test_objectives_take_the_place_of_those_of_the_space(search):
    ended = search("--budget", "1", "--objective", "accuracy:max", "--objective", "parameters:min")
    assert list(map(str, ended.spec().objectives)) == ["accuracy:max", "parameters:min"]
    assert "parameters ↓" in ended.out


def test_a_constraint_that_nothing_keeps_ends_with_exit_code_1_and_the_nearest_misses(search):
    ended = search("--budget", "3", "--constraint", "size_bytes<=0.5kB")
    assert ended.code == 1
    assert "Nearest misses of tiny" in ended.out
    assert "size_bytes<=500: 0 of 3 trials keep it; the smallest is " in ended.out
    assert ended.err.splitlines()[-1].startswith("automl: no trial keeps to every constraint; loosen the first")
    assert ended.artifacts() == [0, 1, 2]
    document = json.loads(search("--budget", "3", "--constraint", "size_bytes<=500", "--json").out)
    assert document["front"] == []
    assert len(document["nearest_misses"]) == 3
    assert document["limits"][0].startswith("size_bytes<=500: 0 of 3 trials keep it")


def test_a_constraint_that_networks_keep_is_in_their_rows(search):
    ended = search("--budget", "1", "--constraint", "size_bytes<=1MB")
    assert ended.code == 0
    assert ended.rows()[0].constraints == {"size_bytes<=1000000": ended.rows()[0].metrics["size_bytes"] - 1e6}


def test_the_target_is_what_latency_is_for(search):
    (row,) = search("--budget", "1", "--target", "cpu:1:8").rows()
    assert row.metrics["latency_batch"] == 8


def test_more_threads_than_processors_are_told(search, monkeypatch):
    monkeypatch.setattr(request.os, "cpu_count", lambda: 1)
    assert (
        "target cpu:2 asks for 2 threads and this host has 1 processors"
        in search("--budget", "1", "--target", "cpu:2").err
    )


def test_no_trial_begins_when_the_time_is_up(search):
    ended = search("--time-budget", "1s", "--budget", "1000")
    assert "The time is up: " in ended.err
    assert len(ended.rows()) < 48, "all points of the space"
    assert ended.code == (0 if ended.rows() else 1)


def test_points_of_a_file_are_tried_first(search, tmp_path):
    (tmp_path / "points.json").write_text(json.dumps([{**POINT, "quantizer": "none"}]))
    (row,) = search("--budget", "1", "--enqueue", "points.json").rows()
    assert row.point == {**POINT, "quantizer": "none"}


def test_a_study_begins_with_the_front_of_an_earlier_one(search, tmp_path):
    (tmp_path / "points.json").write_text(json.dumps([{**POINT, "quantizer": "none"}]))
    search("--budget", "1", "--enqueue", "points.json", "--study", "earlier")
    (row,) = search("--budget", "1", "--from-study", "earlier", "--study", "later").rows("later")
    assert row.point == {**POINT, "quantizer": "none"}


def test_early_stopping_ends_most_trials_at_the_first_pause(search):
    ended = search("--budget", "4", "--early-stopping", "auto", "--study", "halved", space="longer.yaml")
    assert ended.code == 0, ended.err
    states = [str(row.state) for row in ended.rows("halved")]
    assert (states.count("STOPPED"), states.count("COMPLETE")) == (3, 1)
    assert "--early-stopping" not in ended.err


def test_early_stopping_that_cannot_act_says_so_and_nothing_else(search):
    ended = search("--budget", "1", "--early-stopping", "auto")
    assert "--early-stopping auto does nothing here" in ended.err
    assert "training has 1 epochs, and a pause needs 6" in ended.err
    assert [str(row.state) for row in ended.rows()] == ["COMPLETE"]
    assert "--early-stopping" not in search("--budget", "1").err


def test_early_stopping_by_the_name_of_a_rule_looks_at_every_epoch_and_says_what_it_compares(search):
    ended = search("--budget", "1", "--early-stopping", "median", "--study", "watched", space="longer.yaml")
    assert ended.code == 0, ended.err
    assert "--early-stopping median compares validation scores alone" in ended.err
    (row,) = ended.rows("watched")
    assert {"accuracy_at_1", "accuracy_at_2"} <= row.metrics.keys()


@pytest.mark.parametrize(("keep", "kept"), [("none", 0), ("front", 1), ("all", 3)])
def test_artifacts_stay_as_the_user_says(search, tmp_path, keep, kept):
    wide = {**POINT, "conv_net.width_2": 16}
    points = [{**POINT, "quantizer": "none"}, {**wide, "quantizer": "none"}, {**POINT, "conv_net.kernel": 3}]
    points[2] |= {"quantizer": "ptq", "weight_bits.level": 8}
    (tmp_path / "points.json").write_text(json.dumps(points))
    arguments = ("--budget", "3", "--enqueue", "points.json", "--objective", "size_bytes:min")
    ended = search(*arguments, "--keep-artifacts", keep)
    assert ended.code == 0, ended.err
    assert len(ended.artifacts()) == kept
    assert sum(row.artifact is not None for row in ended.rows()) == kept
    tested = [row.number for row in ended.rows() if "test_accuracy" in row.metrics]
    assert tested == [2], "the front is measured before its artifacts go"


def test_nothing_is_cached_where_the_user_wants_nothing_cached(search, tmp_path):
    ended = search("--budget", "1", "--no-cache")
    assert ended.code == 0, ended.err
    assert not (tmp_path / "trials" / ".cache").exists()


def test_the_cache_takes_no_more_than_it_may(search):
    bounded = search("--budget", "2", "--cache-size", "1kB", "--study", "bounded").cached_bytes()
    unbounded = search("--budget", "2", "--study", "unbounded").cached_bytes()
    assert bounded <= 1000 < unbounded


def test_the_store_is_where_the_option_or_the_environment_says(search, tmp_path, monkeypatch):
    assert len(search("--budget", "1", "--store", "here").rows(store="here")) == 1
    monkeypatch.setenv("AUTOML_STORE", "there")
    ended = search("--budget", "1")
    assert len(ended.rows(store="there")) == 1
    assert "--store there" in ended.out
    assert not (tmp_path / "trials").exists()


def test_an_error_at_the_end_keeps_the_front_and_folds_the_rows(search, tmp_path, monkeypatch):
    def torn(_store, _number, _folder, **_checks):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(TrialStore, "read_artifact", torn)
    ended = search("--budget", "2")
    assert ended.code == 1
    assert "Pareto front of tiny" in ended.out
    assert "of the front could not be measured again: [Errno 5] Input/output error" in ended.err
    assert ended.err.splitlines()[-1] == "automl: the search is done, but not all of its end, as said above"
    assert (tmp_path / "trials" / "tiny" / "trials.parquet").exists()


class Failing(Quantizer):
    """Fails in every trial."""

    name = "failing"

    def quantize(self, _model, _weight_bits, _context):
        raise RecursionError("maximum recursion depth exceeded")


@pytest.fixture
def _failing():
    """Install the quantizer above beside those that ship."""
    with also_installed(TECHNIQUE, Failing):
        yield


@pytest.mark.usefixtures("_failing")
@pytest.mark.parametrize(("quantizer", "code"), [("[none, failing]", 1), ("[none, failing, ptq]", 0)])
def test_a_technique_that_failed_in_every_trial_is_told_and_is_a_failure_where_it_was_the_point(
    search, tmp_path, quantizer, code
):
    lines = (
        (tmp_path / "tiny.yaml")
        .read_text()
        .replace("  none:\n  ptq:\n", "")
        .replace("quantizer:", f"quantizer: {quantizer}")
    )
    (tmp_path / "tiny.yaml").write_text(lines)
    bits = {"weight_bits.level": 8}
    points = [{**POINT, "quantizer": "none"}, {**POINT, **bits, "quantizer": "failing"}]
    if code == 0:
        points.append({**POINT, **bits, "quantizer": "ptq"})
    (tmp_path / "points.json").write_text(json.dumps(points))
    arguments = ("--budget", str(len(points)), "--enqueue", "points.json")
    ended = search(*arguments)
    assert ended.code == code
    assert "Pareto front of tiny" in ended.out
    line = "quantizer failing failed in its only trial: RecursionError: maximum recursion depth exceeded"
    assert line in ended.err.splitlines()
    if code:
        assert ended.err.splitlines()[-1].startswith("automl: no network with one of the quantizers of this space")
    (failed,) = json.loads(search(*arguments, "--json").out)["failed_techniques"]
    assert (failed["technique"], failed["trials"], failed["is_point"]) == ("failing", 1, code == 1)
