"""A search begins with the points that it is given, and learns from the study that it is told of."""

import json

import pytest
from tiny_study import Silent, spec_of, tiny_space, trial_of

from automl.core.target import Target
from automl.errors import UsageError
from automl.report.rows import trial_rows
from automl.search.options import KeepArtifacts
from automl.search.session import SearchSession
from automl.search.start import Start, earlier_study, read_points
from automl.storage.store import TrialStore
from automl.suggest.optuna_suggester import OptunaSuggester
from automl.suggest.samplers import sampler_names

POINT = {"conv_net.width_1": 16, "pruner": "l1_norm", "sparsity.level": 0.3}
OTHER = {"conv_net.width_1": 8, "pruner": "none"}


@pytest.fixture
def store(tmp_path):
    return TrialStore.create(str(tmp_path / "trials"), spec_of(tiny_space()))


def session_of(store, **options):
    spec = store.spec
    suggester = OptunaSuggester(spec.space, spec.objectives, sampler="random", seed=0)
    return SearchSession(store, suggester, budget=20, keep=KeepArtifacts.ALL, listener=Silent(), **options)


def test_points_of_the_start_come_first_and_never_again(store):
    session = session_of(store, start=Start(points=[POINT, OTHER]))
    points = []
    while (assignment := session.next()) is not None:
        points.append(assignment.point)
    assert points[:2] == [POINT, OTHER]
    assert points.count(POINT) == points.count(OTHER) == 1
    assert len(points) == 10


def test_a_point_that_the_study_has_is_not_run_again(store):
    store.write(trial_of(0, POINT))
    assert session_of(store, start=Start(points=[POINT, OTHER])).next().point == OTHER


def test_no_point_is_handed_out_after_the_deadline(store):
    seconds = [0.0]
    session = session_of(store, deadline=10.0, clock=lambda: seconds[0])
    assert session.next() is not None
    seconds[0] = 10.0
    assert session.is_out_of_time
    assert session.next() is None
    assert not session.is_exhausted


def test_points_are_read_from_what_pareto_prints(store, tmp_path):
    rows = trial_rows([trial_of(0, POINT), trial_of(1, OTHER)], store.spec)
    file = tmp_path / "front.json"
    file.write_text(json.dumps(rows))
    assert read_points(file, tiny_space()) == [POINT, OTHER]


def test_constants_of_the_space_may_stand_in_a_point(tmp_path):
    file = tmp_path / "points.json"
    file.write_text(json.dumps([{**OTHER, "conv_net.depth": 2, "sparsity.level": None}]))
    assert read_points(file, tiny_space()) == [OTHER]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["JSON"]),
        ("{}", ["no list"]),
        ('[{"conv_net.width": 8}]', ["point 1", "conv_net.width'", "conv_net.width_1"]),
        (json.dumps([OTHER, {"pruner": "none"}]), ["point 2", "lacks 'conv_net.width_1'"]),
        (json.dumps([{**OTHER, "conv_net.width_1": 7}]), ["point 1", "7", "outside"]),
    ],
)
def test_a_file_of_points_that_do_not_fit_is_refused(tmp_path, text, words):
    file = tmp_path / "points.json"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_points(file, tiny_space())
    assert all(word in str(refused.value) for word in words), refused.value


def test_an_earlier_study_gives_its_front_and_its_lessons(store):
    foreign = {"conv_net.width_1": 16, "pruner": "l1_norm", "sparsity.level": 0.7}
    for number, (point, accuracy) in enumerate([(POINT, 0.9), (OTHER, 0.8), (foreign, 0.7)]):
        store.write(trial_of(number, point, accuracy=accuracy, size_bytes=1000.0))
    start = earlier_study(store, store.spec)
    assert list(start.points) == [POINT]
    assert [trial.point for trial in start.earlier_trials] == [POINT, OTHER, foreign]


def test_trials_outside_the_space_are_no_lessons(store):
    store.write(trial_of(0, POINT))
    spec = store.spec
    smaller = spec.space.model_copy(update={"parameters": spec.space.parameters[:1]})
    assert not earlier_study(store, spec.model_copy(update={"space": smaller})).earlier_trials


@pytest.mark.parametrize(
    ("change", "word"), [({"dataset_fingerprint": "cd" * 32}, "data"), ({"target": Target(threads=4)}, "target")]
)
def test_an_earlier_study_of_something_else_is_refused(store, change, word):
    with pytest.raises(UsageError, match=f"another {word}"):
        earlier_study(store, store.spec.model_copy(update=change))


@pytest.mark.parametrize("sampler", [name for name in sampler_names() if name in {"tpe", "gp", "nsga2", "random"}])
def test_a_reserved_point_is_never_proposed(sampler):
    spec = spec_of(tiny_space())
    suggester = OptunaSuggester(spec.space, spec.objectives, sampler=sampler, seed=0)
    suggester.reserve(POINT)
    asked = []
    while (point := suggester.ask()) is not None:
        asked.append(point)
    assert len(asked) == 9
    assert POINT not in asked
