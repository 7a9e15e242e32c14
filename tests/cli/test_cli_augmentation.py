"""How training images are varied is said where nobody chose it, kept in the study, and part of what the study is."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from command_line import write_space

from automl.cli.main import main
from automl.core.augmentation import Augmentation
from automl.core.study import StudySpec
from automl.core.trial import Trial, TrialState
from automl.datasets.load import load_dataset
from automl.search.versions import library_versions
from automl.spaces.load import load_space
from automl.storage.store import TrialStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POINT = {"conv_net.width_1": 8, "conv_net.width_2": 8, "conv_net.kernel": 3, "conv_net.activation": "relu"}


@pytest.fixture
def search(tmp_path, monkeypatch, capsys):
    """Search where a study whose budget is used up was made with one augmentation; no trial runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOML_STORE", raising=False)
    write_space(tmp_path)
    space, dataset = load_space("tiny.yaml"), load_dataset("digits")
    spec = StudySpec(
        name="tiny",
        space=space.with_augmentation(Augmentation.SHIFT),
        dataset="digits",
        dataset_fingerprint=dataset.fingerprint,
        task=dataset.task.name,
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions=library_versions(),
        created_at=NOW.isoformat(),
    )
    trial = Trial(0, TrialState.FAILED, {**POINT, "quantizer": "none"}, 0, NOW, NOW, "host", error="it broke")

    def run(*arguments, augmentation=Augmentation.SHIFT):
        stored = spec.model_copy(update={"space": space.with_augmentation(augmentation)})
        TrialStore.create(str(tmp_path / "trials"), stored).write(replace(trial))
        monkeypatch.setattr(sys, "argv", ["automl", "search", "tiny.yaml", "--budget", "1", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    return run


def test_the_default_is_said_in_one_line_and_kept(search, tmp_path):
    code, written = search(augmentation=Augmentation.NONE)
    assert code == 1  # the one trial failed
    assert written.err.count("training images are not varied (--augmentation shift|flip|shift_and_flip to change)") == 1
    stored = json.loads((tmp_path / "trials" / "tiny" / "study.json").read_text())
    assert stored["space"]["training"]["augmentation"] == "none"


def test_the_default_is_said_beside_a_json_document_too(search):
    _, written = search("--json", augmentation=Augmentation.NONE)
    assert json.loads(written.out)["trials"] == 1
    assert "training images are not varied" in written.err


def test_a_study_goes_on_with_the_augmentation_that_it_began_with_and_says_nothing_of_a_default(search):
    code, written = search("--augmentation", "shift")
    assert code == 1
    assert "training images" not in written.err


@pytest.mark.parametrize("arguments", [["--augmentation", "flip"], []])
def test_a_study_does_not_go_on_with_another_augmentation(search, arguments):
    code, written = search(*arguments)
    now = "flip" if arguments else "none"
    assert code == 2
    assert f"training.augmentation: stored shift, now {now}" in written.err
    assert written.err.count("\n") == 1
