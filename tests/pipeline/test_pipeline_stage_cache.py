"""A trial that shares stages with one before it gives the same bytes, and trains only what differs."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
import torch
from small_trials import CHAINS, Failing, file_of, folder_cache, installed, runner_of, small_dataset, small_space
from torch import nn
from torch.nn.utils import parametrizations

from automl.core.profile import Profile
from automl.core.recipe import Recipe, StageRecipe, Teacher
from automl.core.stage import Stage
from automl.errors import InfeasibleError
from automl.pipeline.stage_keys import Ground, stage_keys
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE, technique_class
from automl.storage.cache import CacheFolder

EPOCHS = {"float": 2, "pruned": 3, "quantized": 3, "both": 4, "careless": 2, "made once": 3}
_WORKER = """
import json, sys
from pathlib import Path
from small_trials import CHAINS, Failing, file_of, folder_cache, installed, runner_of, small_dataset, small_space
root = Path(sys.argv[1])
with installed():
    runner = runner_of("both", folder_cache(root))
    scratch = root / sys.argv[2]
    scratch.mkdir()
    print("ready", flush=True)
    sys.stdin.readline()
    file = file_of(runner, scratch)
print(json.dumps([runner.epochs_trained, runner.cached, runner.seconds]))
"""


@pytest.fixture(scope="module", autouse=True)
def techniques():
    with installed():
        yield


@pytest.fixture
def cache(tmp_path):
    return folder_cache(tmp_path)


@pytest.fixture
def entries(tmp_path):
    return tmp_path / ".cache"


@pytest.fixture(scope="module")
def filled_cache(tmp_path_factory):
    cache = folder_cache(tmp_path_factory.mktemp("filled"))
    runner_of("float", cache).run()
    return cache


def recipe_with(name: str, stage: Stage) -> Recipe:
    """Add a technique with its usual fields to the recipe that trains and does nothing else."""
    recipe = small_space().recipe(CHAINS["float"], seed=3)
    profiles = {Stage.PRUNER: Profile(level=0.4), Stage.QUANTIZER: Profile(level=6.0, low=2, high=8)}
    added = StageRecipe(stage=stage, technique=name, hyperparameters={}, profile=profiles.get(stage))
    teacher = Teacher(candidates=recipe.stages) if stage is Stage.DISTILLER else None
    return recipe.model_copy(update={"stages": (*recipe.stages, added), "teacher": teacher})


def keys_of(runner):
    return stage_keys(runner.recipe, Ground.of(small_dataset(), torch.device("cpu")))


@pytest.mark.parametrize("chain", CHAINS)
def test_results_are_the_same_bytes_with_and_without_a_cache(chain, cache, entries, tmp_path):
    plain = runner_of(chain)
    expected = file_of(plain, tmp_path)
    steps = list(keys_of(plain))
    # Nothing of the state that earlier work left behind may count.
    torch.manual_seed(99)

    first = runner_of(chain, cache)
    assert file_of(first, tmp_path) == expected
    assert plain.epochs_trained >= first.epochs_trained == EPOCHS[chain]
    assert not any(first.cached[step] for step in steps)

    second = runner_of(chain, cache)
    assert file_of(second, tmp_path) == expected
    assert second.epochs_trained == 0
    assert second.cached == dict.fromkeys(steps, True)

    last = steps[-1]
    (entries / f"{keys_of(second)[last]}.entry").unlink()
    third = runner_of(chain, cache)
    assert file_of(third, tmp_path) == expected
    assert {step: third.cached[step] for step in steps} == {step: step != last for step in steps}
    assert third.epochs_trained <= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TECHNIQUE.installed()))
def test_a_technique_gives_the_same_bytes_after_a_fit_from_the_cache(name, filled_cache, tmp_path):
    stage = technique_class(name).stage
    if stage is Stage.ARCHITECTURE:
        pytest.skip("it is the fit")
    plain = StageRunner(recipe_with(name, stage), small_dataset(), torch.device("cpu"))
    expected = file_of(plain, tmp_path)
    for _ in range(2):
        runner = StageRunner(recipe_with(name, stage), small_dataset(), torch.device("cpu"), filled_cache)
        assert file_of(runner, tmp_path) == expected
        assert stage is Stage.DISTILLER or runner.cached["fit"]
    assert (runner.epochs_trained, set(runner.cached.values())) == (0, {True})


def test_a_trial_pays_only_for_what_differs(cache):
    runner_of("float", cache).run()
    pruned = runner_of("pruned", cache)
    pruned.run()
    assert (pruned.epochs_trained, pruned.cached) == (1, {"fit": True, "prune": False})


def test_what_is_made_once_is_made_for_the_first_trial_alone(cache, entries):
    first = runner_of("made once", cache)
    first.run()
    assert first.cached == {"once": False, "fit": False}
    (entries / f"{keys_of(first)['fit']}.entry").unlink()
    second = runner_of("made once", cache)
    second.run()
    assert (second.epochs_trained, second.cached) == (2, {"once": True, "fit": False})


def test_another_seed_shares_nothing(cache):
    runner_of("float", cache).run()
    other = runner_of("float", cache, seed=4)
    other.run()
    assert other.cached == {"fit": False}


def test_what_failed_is_not_kept(cache, monkeypatch):
    for _ in range(2):
        failing = runner_of("failing", cache)
        with pytest.raises(RuntimeError, match="out of luck"):
            failing.run()
        assert failing.cached["prune"] is False
    assert (failing.epochs_trained, failing.cached["fit"]) == (0, True)
    monkeypatch.setattr(Failing, "fails", False)
    failing = runner_of("failing", cache)
    failing.run()
    assert failing.cached == {"fit": True, "prune": False}


def test_what_is_refused_is_refused_also_where_the_fit_is_kept(cache):
    runner_of("float", cache).run()
    fussy = runner_of("fussy", cache)
    with pytest.raises(InfeasibleError, match="not to my taste"):
        fussy.run()
    assert fussy.epochs_trained == 0


def write_entry(file: Path, content: object) -> None:
    """Put an entry in place that is whole, whatever is in it."""
    saved = io.BytesIO()
    torch.save(content, saved)
    CacheFolder.at(str(file.parents[1]), limit_bytes=10**9).write(file.stem, saved.getvalue())


def write_gone(file: Path) -> None:
    """Put an entry in place whose class cannot be imported any more."""
    module = types.ModuleType("no_such_module")
    module.Gone = type("Gone", (), {"__module__": module.__name__})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        write_entry(file, module.Gone())


DAMAGES = {
    "torn": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "of a class that is gone": write_gone,
    "of another kind": lambda file: write_entry(file, {}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_entry_that_cannot_be_read_is_made_again_with_a_warning(damage, cache, entries, tmp_path, caplog):
    first = runner_of("pruned", cache)
    expected = file_of(first, tmp_path)
    for key in keys_of(first).values():
        DAMAGES[damage](entries / f"{key}.entry")
    again = runner_of("pruned", cache)
    with caplog.at_level(logging.WARNING):
        assert file_of(again, tmp_path) == expected
    assert caplog.text.count("cannot be used, and is made again") == 2
    assert (again.epochs_trained, again.cached) == (3, {"fit": False, "prune": False})


def test_an_entry_that_the_file_system_does_not_give_is_made_again_with_a_warning(cache, entries, tmp_path, caplog):
    first = runner_of("float", cache)
    expected = file_of(first, tmp_path)
    entry = entries / f"{keys_of(first)['fit']}.entry"
    entry.unlink()
    entry.mkdir()
    again = runner_of("float", cache)
    with caplog.at_level(logging.WARNING):
        assert file_of(again, tmp_path) == expected
    assert "a result is made again: cannot read" in caplog.text
    assert again.epochs_trained == EPOCHS["float"]


def with_a_local_function(model):
    model.note = lambda: None
    return model


def with_a_computed_weight(model):
    """Torch raises RuntimeError where one is pickled."""
    parametrizations.weight_norm(next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d)))
    return model


@pytest.mark.parametrize("unpicklable", [with_a_local_function, with_a_computed_weight])
def test_a_result_that_does_not_pickle_is_used_and_not_kept(cache, monkeypatch, caplog, unpicklable):
    monkeypatch.setattr(Failing, "fails", False)
    monkeypatch.setattr(Failing, "prune", lambda _self, model, _sparsity, _context: unpicklable(model))
    runner = runner_of("failing", cache)
    with caplog.at_level(logging.WARNING):
        runner.run()
    assert "a result is not kept for other trials" in caplog.text
    again = runner_of("failing", cache)
    again.run()
    assert again.cached == {"fit": True, "prune": False}


def test_a_trial_says_how_long_it_waited_for_another(tmp_path, cache):
    runner_of("float").run()  # what the first network of a process takes is no wait
    runner = runner_of("float", cache)
    is_held = threading.Event()

    def make_it_elsewhere():
        with folder_cache(tmp_path).held(keys_of(runner)["fit"]):
            is_held.set()
            time.sleep(1.0)

    elsewhere = threading.Thread(target=make_it_elsewhere)
    elsewhere.start()
    is_held.wait()
    runner.run()
    elsewhere.join()
    assert 0.05 < runner.seconds["wait"] < 1.5
    assert runner.epochs_trained == EPOCHS["float"]


@pytest.mark.slow
def test_of_two_processes_that_need_the_same_one_trains_and_the_other_waits(tmp_path, cache):
    (tmp_path / "here").mkdir()
    with worker(tmp_path, "there") as process:
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"\n")
        process.stdin.flush()
        runner = runner_of("both", cache)
        file_of(runner, tmp_path / "here")
        there = json.loads(process.communicate(timeout=120)[0])
    told = [there, [runner.epochs_trained, runner.cached, runner.seconds]]
    assert sum(epochs for epochs, _, _ in told) == EPOCHS["both"]
    for step in ("fit", "prune", "quantize"):
        assert sorted(cached[step] for _, cached, _ in told) == [False, True]
    files = [(tmp_path / name / "model.onnx").read_bytes() for name in ("here", "there")]
    assert files[0] == files[1]


@pytest.mark.slow
def test_a_killed_worker_leaves_its_work_to_the_next(tmp_path, cache):
    with worker(tmp_path, "killed") as process:
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"\n")
        process.stdin.flush()
        locks = tmp_path / ".cache" / ".tmp"
        while process.poll() is None and not any(locks.glob("*.lock")):
            pass
        process.kill()
    runner = runner_of("both", cache)
    runner.run()
    assert runner.epochs_trained > 0
    assert "wait" not in runner.seconds


def worker(root: Path, name: str) -> subprocess.Popen:
    own = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{own}{os.pathsep}{own.parent}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(root), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
