"""The Python front door: a search from objects, its trials as a table, its networks to go on with, its files to run."""

import copy
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import automl
from automl.core.dataset_spec import DatasetSpec
from automl.core.recipe import Recipe
from automl.datasets.digits import read
from automl.errors import FidelityError, InfeasibleError, StoreError, UsageError
from automl.network import handed_over
from automl.storage.store import TrialStore
from automl.stored_trial import StoredTrial

SPACE = """
description: A network, perhaps quantized.
dataset: digits
architecture:
  conv_net: {depth: 2, kernel: 3, width_1: 8, width_2: 8}
quantizer: {none: , ptq: }
weight_bits: {level: 8}
training: {epochs: 1, max_train_images: 256, augmentation: none}
objectives: [accuracy:max, size_bytes:min]
"""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, 2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.body(x))


def arrays():
    whole = read(DatasetSpec(kind="digits")).training
    return whole.images[:600], whole.labels[:600], whole.images[600:800], whole.labels[600:800]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("front_door")
    (folder / "small.yaml").write_text(SPACE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def study(folder, network):
    before = copy.deepcopy(network.state_dict())
    study = automl.search(
        folder / "small.yaml", arrays(), model=network, budget=2, workers=1, sampler="random",
        keep_artifacts="all", store=folder / "trials",
    )  # fmt: skip
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items()), "it was changed"
    return study


@pytest.fixture
def trials(study):
    return [study.trial(number) for number in (0, 1)]


def file_logits(trial, images):
    (logits,) = trial.session().run(None, {"image": images})
    return logits


def assert_answers_like_the_file(loaded, trial, study):
    images = study.dataset.test.images
    with torch.no_grad():
        found = loaded(study.inputs(images)).numpy()
    expected = file_logits(trial, images)
    step = 0.06 if "ptq" in repr(trial) else 1e-4
    assert np.abs(found - expected).max() <= step * expected.std()


def test_the_table_is_what_pandas_reads_from_the_store(study, folder):
    stored = pd.read_parquet(folder / "trials" / "small-Net" / "trials.parquet")
    pd.testing.assert_frame_equal(study.trials(), stored)
    assert study.name == "small-Net"
    assert list(stored["state"]) == ["COMPLETE", "COMPLETE"]


def test_the_front_is_in_the_order_of_the_first_objective(study):
    accuracies = [trial.metrics["accuracy"] for trial in study.front()]
    assert accuracies == sorted(accuracies, reverse=True)
    assert repr(study) == f"<study small-Net: 2 trials, {len(accuracies)} on the front of accuracy:max, size_bytes:min>"


def test_a_loaded_network_answers_like_its_file_and_costs_no_training(study, trials, folder):
    entries = {path: path.read_bytes() for path in (folder / "trials" / ".cache").glob("*.entry")}
    assert {"ptq" in repr(trial) for trial in trials} == {False, True}, "one of each kind"
    for trial in trials:
        loaded = trial.load()
        assert not loaded.training
        assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())
        assert_answers_like_the_file(loaded, trial, study)
    assert {path: path.read_bytes() for path in (folder / "trials" / ".cache").glob("*.entry")} == entries


def test_a_loaded_network_can_be_trained_further_and_the_next_one_is_new(study, trials):
    images, labels = study.inputs(study.dataset.train.images), torch.tensor(study.dataset.train.labels)
    for trial in trials:
        loaded = trial.load()
        optimizer = torch.optim.SGD(loaded.parameters(), lr=0.02)
        losses = []
        for _ in range(8):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(loaded(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]
        assert_answers_like_the_file(trial.load(), trial, study)


def test_without_the_cache_the_stages_are_run_again(study, trials, folder):
    shutil.move(folder / "trials" / ".cache", folder / "kept")
    try:
        for trial in trials:
            assert_answers_like_the_file(trial.load(), trial, study)
    finally:
        shutil.rmtree(folder / "trials" / ".cache")
        shutil.move(folder / "kept", folder / "trials" / ".cache")


def test_another_network_than_that_of_the_file_is_never_handed_out(study, folder):
    copied = folder / "other" / "small-Net"
    shutil.copytree(folder / "trials" / "small-Net", copied)
    recipe = copied / "artifacts" / "000000" / "recipe.json"
    other = Recipe.model_validate_json(recipe.read_bytes()).model_copy(update={"seed": 7})
    recipe.write_text(other.model_dump_json(), encoding="utf-8")
    store = TrialStore.open(str(copied.parent), "small-Net")
    row = next(trial for trial in store.read() if trial.number == 0)
    with pytest.raises(StoreError, match="not the file that the trial wrote"):
        automl.open_study("small-Net", store=copied.parent, data=arrays()).trial(0).load()
    unsealed = StoredTrial(
        store, replace(row, artifact_sha256=None), root=str(copied.parent), dataset=lambda: study.dataset
    )
    with pytest.raises(FidelityError, match=r"trial 0 of study 'small-Net'.*answers otherwise than its file"):
        unsealed.load()


def test_a_trial_whose_runtime_is_not_installed_any_more_is_loaded_and_opened_in_onnx_runtime(study, folder):
    copied = folder / "elsewhere" / "small-Net"
    shutil.copytree(folder / "trials" / "small-Net", copied)
    spec = copied / "study.json"
    written = json.loads(spec.read_text(encoding="utf-8"))
    written["target"] = {"device": "of_a_package_gone", "threads": 1, "batch": 1}
    spec.write_text(json.dumps(written), encoding="utf-8")
    store = TrialStore.open(str(copied.parent), "small-Net")
    trial = StoredTrial(store, store.read()[0], root=str(folder / "trials"), dataset=lambda: study.dataset)
    assert_answers_like_the_file(trial.load(), trial, study)


def test_a_study_is_opened_with_its_own_network_and_data_alone(study, folder, network, monkeypatch):
    store = folder / "trials"
    assert len(automl.open_study("small-Net", store=store).trials()) == 2
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.head.bias[0] += 1
    with pytest.raises(UsageError, match=r"of another network.*given\.network: stored Net-"):
        automl.open_study("small-Net", store=store, model=other)
    images, *rest = arrays()
    with pytest.raises(UsageError, match="not those of study"):
        automl.open_study("small-Net", store=store, data=(255 - images, *rest))
    with pytest.raises(UsageError, match="give them again"):
        _ = automl.open_study("small-Net", store=store).dataset
    monkeypatch.setattr(handed_over, "_networks", {})  # as in another process
    shutil.copytree(store / "small-Net", folder / "uncached" / "small-Net")
    opened = automl.open_study("small-Net", store=folder / "uncached", data=arrays())
    with pytest.raises(InfeasibleError, match="give it again"):
        opened.trial(0).load()
    again = automl.open_study("small-Net", store=folder / "uncached", data=arrays(), model=network)
    assert_answers_like_the_file(again.trial(0).load(), again.trial(0), study)


def test_a_study_is_continued_with_its_own_network_and_data_alone(study, folder, network):
    options = {"budget": 2, "workers": 1, "sampler": "random", "store": folder / "trials", "study": "small-Net"}
    again = automl.search(folder / "small.yaml", arrays(), model=network, keep_artifacts="all", **options)
    pd.testing.assert_frame_equal(again.trials(), study.trials())
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.head.bias[0] += 1
    with pytest.raises(StoreError, match=r"given\.network"):
        automl.search(folder / "small.yaml", arrays(), model=other, **options)
    images, *rest = arrays()
    with pytest.raises(StoreError, match="dataset fingerprint"):
        automl.search(folder / "small.yaml", (255 - images, *rest), model=network, **options)


def test_a_trial_that_is_not_there_is_named(study):
    with pytest.raises(StoreError, match="no trial 9: it has 2, numbered 0 to 1"):
        study.trial(9)


@pytest.mark.parametrize("model", [3, lambda: 3, "no_callable"])
def test_what_is_no_network_is_refused_before_anything_is_written(folder, tmp_path, model):
    with pytest.raises(UsageError, match=r"give a torch\.nn\.Module|not a torch\.nn\.Module|MODULE:CALLABLE"):
        automl.search(folder / "small.yaml", arrays(), model=model, store=tmp_path / "trials")
    assert not (tmp_path / "trials").exists()


def test_the_front_door_is_light_and_stays_a_function():
    script = (
        "import sys, automl, inspect\n"
        "heavy = {'torch', 'ray', 'pandas', 'pyarrow', 'numpy', 'onnx', 'rich'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
        "from automl.search.run import run_search\n"
        "assert inspect.isfunction(automl.search)\n"
        "assert automl.search.__module__ == 'automl.study'\n"
        "assert all(getattr(automl, name) is not None for name in automl.__all__)\n"
        "assert set(automl.__all__) == set(dir(automl))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    with pytest.raises(AttributeError, match="it has StoredTrial, Study"):
        _ = automl.serach


@pytest.mark.slow
def test_an_interrupt_ends_the_search_and_keeps_what_was_done(folder, tmp_path):
    (tmp_path / "program.py").write_text(
        "import signal, automl\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job was told to ignore\n"
        f"automl.search({str(folder / 'small.yaml')!r}, budget=2000, workers=1, sampler='random', no_cache=True,\n"
        "    progress=True, study='long')\n",
        encoding="utf-8",
    )
    space = SPACE.replace("width_1: 8", "width_1: {min: 4, max: 64}").replace(
        "width_2: 8", "width_2: {min: 4, max: 64}"
    )
    (tmp_path / "wide.yaml").write_text(space, encoding="utf-8")
    program = (tmp_path / "program.py").read_text(encoding="utf-8")
    (tmp_path / "program.py").write_text(program.replace(str(folder / "small.yaml"), "wide.yaml"), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        for line in process.stderr:
            if "trial 1 " in line:
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt: the search was interrupted after" in said
    assert "automl.open_study('long')" in said
    assert len(automl.open_study("long", store=tmp_path / "trials").trials()) >= 2
