"""A session keeps count of trials, artifacts and failures, whatever engine runs the trials."""

from dataclasses import replace

import pytest
from kept_artifacts import artifact_folder
from tiny_study import Silent, failed_trial, spec_of, tiny_space, trial_of

from automl.core.trial import TrialState
from automl.search.options import KeepArtifacts
from automl.search.session import FAILURES_ALLOWED, SearchSession, drop_artifact
from automl.stopping.early_stopping import EarlyStopping, Rungs
from automl.stopping.rung_losses import RungLosses
from automl.storage.store import TrialStore
from automl.suggest.optuna_suggester import OptunaSuggester

SIZES = (3000.0, 2000.0, 1000.0)


@pytest.fixture
def store(tmp_path):
    return TrialStore.create(str(tmp_path / "trials"), spec_of(tiny_space()))


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"a network")
    return folder


def session_of(store, *, budget=8, keep=KeepArtifacts.FRONT, listener=None):
    spec = store.spec
    suggester = OptunaSuggester(spec.space, spec.objectives, sampler="random", seed=spec.seed)
    return SearchSession(store, suggester, budget=budget, keep=keep, listener=listener or Silent())


def run_next(session, store, *, make=trial_of, **changes):
    assignment = session.next()
    trial = make(assignment.number, assignment.point, **changes)
    store.write(trial)
    session.finish(trial)
    return trial


def test_the_budget_counts_the_trials_of_earlier_runs_and_numbers_continue(store):
    first = session_of(store, budget=3)
    assert [run_next(first, store).number for _ in range(3)] == [0, 1, 2]
    assert first.next() is None
    again = session_of(store, budget=5)
    assert again.remaining == 2
    assert [run_next(again, store).number for _ in range(2)] == [3, 4]
    assert again.next() is None
    assert [trial.number for trial in store.read()] == [0, 1, 2, 3, 4]


def test_a_smaller_budget_than_the_study_has_runs_nothing(store):
    session = session_of(store, budget=2)
    run_next(session, store)
    run_next(session, store)
    assert session_of(store, budget=1).remaining == 0
    assert session_of(store, budget=1).next() is None


def test_numbers_continue_after_the_highest_where_an_interrupt_left_a_gap(store):
    session = session_of(store)
    session.next()
    run_next(session, store)
    assert session_of(store).next().number == 2


def test_a_space_without_more_points_ends_the_session(store):
    session = session_of(store, budget=50)
    while session.next() is not None:
        pass
    assert session.is_exhausted
    assert session.next() is None
    assert session.remaining == 40


@pytest.mark.parametrize(("failures", "is_hopeless"), [(FAILURES_ALLOWED - 1, False), (FAILURES_ALLOWED, True)])
def test_the_first_ten_trials_failing_make_a_search_hopeless(store, failures, is_hopeless):
    session = session_of(store, budget=20)
    for _ in range(failures):
        run_next(session, store, make=failed_trial)
    assert session.is_hopeless is is_hopeless
    assert session_of(store, budget=20).is_hopeless is is_hopeless
    if is_hopeless:
        assert session.next() is None


def test_ten_failures_after_a_complete_trial_do_not_end_a_search(tmp_path):
    store = TrialStore.create(str(tmp_path / "trials"), spec_of(tiny_space()))
    session = session_of(store, budget=20)
    run_next(session, store)
    for _ in range(9):
        run_next(session, store, make=failed_trial)
    assert not session.is_hopeless


def test_infeasible_points_do_not_make_a_search_hopeless(store):
    session = session_of(store, budget=20)
    for _ in range(FAILURES_ALLOWED):
        run_next(session, store, make=failed_trial, state=TrialState.INFEASIBLE)
    assert not session.is_hopeless


def keep_three(store, model_folder, keep):
    """Run three trials of which the last two are the front, and give the numbers kept in folders and in rows."""
    session = session_of(store, keep=keep)
    for size, accuracy in zip(SIZES, (0.7, 0.9, 0.8), strict=True):
        number = len(session.trials)
        artifact = store.write_artifact(number, model_folder)
        run_next(session, store, size_bytes=size, accuracy=accuracy, artifact=artifact)
    folders = [number for number in range(3) if artifact_folder(store, number) is not None]
    rows = [trial.number for trial in store.read() if trial.artifact is not None]
    return session, folders, rows


def test_only_artifacts_of_the_front_are_kept_and_rows_say_so(store, model_folder):
    session, folders, rows = keep_three(store, model_folder, KeepArtifacts.FRONT)
    assert folders == rows == [1, 2]
    assert [trial.number for trial in session.trials if trial.artifact is not None] == [1, 2]


def test_all_artifacts_are_kept_where_the_user_wants_them(store, model_folder):
    _, folders, rows = keep_three(store, model_folder, KeepArtifacts.ALL)
    assert folders == rows == [0, 1, 2]


def test_artifacts_of_the_front_stay_until_it_was_measured_where_none_shall_be_kept(store, model_folder):
    session, folders, rows = keep_three(store, model_folder, KeepArtifacts.NONE)
    assert folders == rows == [1, 2]
    for trial in session.trials:
        drop_artifact(store, trial)
    assert all(artifact_folder(store, number) is None for number in range(3))
    assert not any(trial.artifact for trial in store.read())


def run_sizes(store, model_folder, sizes, *, keep=KeepArtifacts.FRONT, limit=500.0):
    """Run a trial a size under one limit, and give the session."""
    session = session_of(store, keep=keep)
    for number, size in enumerate(sizes):
        artifact = store.write_artifact(number, model_folder)
        violation = {f"size_bytes<={limit:g}": size - limit}
        run_next(session, store, artifact=artifact, size_bytes=size, constraints=violation)
    return session


@pytest.fixture
def limited(tmp_path):
    return TrialStore.create(str(tmp_path / "trials"), spec_of(tiny_space(), constraints=["size_bytes<=500"]))


def kept(store):
    return [trial.number for trial in store.read() if artifact_folder(store, trial.number) is not None]


def test_the_artifacts_of_the_three_nearest_misses_are_kept_while_nothing_is_feasible(limited, model_folder):
    session = run_sizes(limited, model_folder, [900.0, 600.0, 800.0, 700.0, 2000.0])
    assert kept(limited) == [1, 2, 3]
    assert [trial.number for trial in limited.read() if trial.artifact is not None] == [1, 2, 3]
    assert not session.progress.front_size


def test_the_artifact_of_a_trial_that_breaks_a_limit_is_gone_once_another_keeps_it(limited, model_folder):
    run_sizes(limited, model_folder, [900.0, 600.0, 400.0, 501.0])
    assert kept(limited) == [2]


def test_rows_that_workers_wrote_before_an_interrupt_are_taken_back(store, model_folder):
    session = session_of(store)
    run_next(session, store, accuracy=0.8)
    late = session.next()
    artifact = store.write_artifact(late.number, model_folder)
    store.write(trial_of(late.number, late.point, accuracy=0.5, artifact=artifact))
    session.catch_up()
    session.catch_up()
    assert [trial.number for trial in session.trials] == [0, 1]
    assert artifact_folder(store, 1) is None, "the late trial is dominated"


def test_progress_says_where_the_search_stands(store):
    listener = Silent()
    session = session_of(store, budget=4, listener=listener)
    run_next(session, store, accuracy=0.5, size_bytes=1000.0)
    run_next(session, store, make=failed_trial)
    run_next(session, store, accuracy=0.8, size_bytes=2000.0)
    assert [(told.done, told.failed, told.front_size) for told, _ in listener.told] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 1),
        (3, 1, 2),
    ]
    assert listener.told[0][1] is None
    assert all(told.budget == 4 for told, _ in listener.told)
    # of the box up to size 2,000 and accuracy 0, the small network has half the width times 0.5
    assert listener.told[-1][0].hypervolume == pytest.approx(0.25)


class Sizes:
    """Knows that networks differ in size, and nothing else of them."""

    def predict(self, points):
        return [{"size_bytes": 1000.0 * point["conv_net.width_1"]} for point in points]


def test_a_promoted_trial_is_one_trial_of_the_study_and_of_the_budget(store):
    objectives = store.spec.objectives
    suggester = OptunaSuggester(store.spec.space, objectives, sampler="random", seed=0)
    listener = Silent()
    session = SearchSession(
        store,
        suggester,
        budget=5,
        keep=KeepArtifacts.FRONT,
        listener=listener,
        early_stopping=EarlyStopping(Rungs((2,), 4.0), RungLosses(objectives, Sizes())),
    )
    for _ in range(4):
        paused = {"state": TrialState.STOPPED, "metrics": {"accuracy_at_2": 0.5}, "epochs_trained": 2}
        run_next(session, store, **paused)
    assert (session.remaining, session.progress.done) == (1, 4)
    promoted = session.next()
    assert promoted.number in range(4)
    assert (promoted.pace.until_epoch, promoted.pace.epochs_before) == (None, 2)
    assert session.remaining == 1, "a trial that goes on is none of those to come"
    whole = {"accuracy": 0.9, "size_bytes": 8000.0, "accuracy_at_2": 0.5}
    session.finish(trial_of(promoted.number, promoted.point, metrics=whole))
    assert sorted(trial.number for trial in session.trials) == [0, 1, 2, 3]
    assert session.progress.done == 4
    assert session.progress.front_size == 1
    last = run_next(session, store)
    assert last.number == 4
    assert session.next() is None
    assert [told.done for told, _ in listener.told] == [0, 1, 2, 3, 4, 4, 5]


def test_a_dropped_artifact_is_gone_from_the_row_before_the_folder(store, model_folder, monkeypatch):
    artifact = store.write_artifact(0, model_folder)
    trial = trial_of(0, {"conv_net.width_1": 8, "pruner": "none"}, artifact=artifact)
    store.write(trial)
    order = []
    monkeypatch.setattr(TrialStore, "write", lambda _self, row: order.append(row))
    monkeypatch.setattr(TrialStore, "delete_artifact", lambda _self, number: order.append(number))
    drop_artifact(store, trial)
    assert order == [replace(trial, artifact=None), 0]


def test_a_network_with_nothing_to_train_is_said_once(store):
    listener = Silent()
    session = session_of(store, listener=listener)
    run_next(session, store, cached={"fit": False}, epochs_trained=3)
    run_next(session, store, cached={"fit": True}, epochs_trained=0)
    run_next(session, store, make=failed_trial)
    run_next(session, store, state=TrialState.FAILED, cached={"fit": False}, epochs_trained=0)
    assert listener.notes == []
    for _ in range(2):
        run_next(session, store, cached={"fit": False}, epochs_trained=0)
    (note,) = listener.notes
    assert note.startswith("trial 4 trained nothing: the parameters of its network are all frozen")


def test_what_trials_warn_of_is_said_once_with_the_first_trial(store):
    said = []
    listener = Silent()
    listener.on_note = said.append
    session = session_of(store, listener=listener)
    run_next(session, store, notes=("layer 'a' keeps its channels",))
    run_next(session, store, notes=("layer 'a' keeps its channels", "trial 1: the accuracies differ"))
    run_next(session, store)
    assert said == ["trial 0: layer 'a' keeps its channels", "trial 1: the accuracies differ"]
    again = session_of(store, listener=listener)
    run_next(again, store, notes=("layer 'a' keeps its channels",))
    assert len(said) == 2
