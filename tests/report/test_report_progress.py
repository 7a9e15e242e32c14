"""Progress is a bar on a terminal and a line a trial elsewhere, each within what is known."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from automl.core.objective import Objective
from automl.core.trial import Trial, TrialState
from automl.report import progress
from automl.report.progress import TimeLeft, search_progress
from automl.search.session import Progress


def trial_of(number: int, cached: dict[str, bool]) -> Trial:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Trial(number, TrialState.COMPLETE, {}, 0, now, now, "host", metrics={"accuracy": 0.903}, cached=cached)


class Clock:
    seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock.monotonic)
    return clock


def test_the_time_left_follows_from_the_pace_since_the_first_trial(clock):
    left = TimeLeft()
    clock.seconds = 60.0  # the workers took a minute to start
    assert not left.text(11, 20)
    clock.seconds = 66.0
    assert not left.text(13, 20)
    clock.seconds = 69.0
    assert left.text(14, 20) == "18.0 s left"
    assert not left.text(20, 20)


def test_piped_output_gets_plain_lines(capsys):
    with search_progress(Console(stderr=True), [Objective.parse("accuracy:max")]) as listener:
        listener.on_preparation("measuring this host")
        listener.on_note("2 hidden folders are skipped: [.git]")
        listener.on_progress(Progress(2, 4, 0, 1, 0.5), None)
        listener.on_progress(Progress(4, 4, 0, 1, 0.5), None)
    lines = capsys.readouterr().err.splitlines()
    assert lines.pop(0) == "measuring this host"
    assert lines.pop(0) == "2 hidden folders are skipped: [.git]"
    assert lines == ["2 of 4 trials done; starting the workers", "4 of 4 trials done; nothing left to run"]


def test_a_line_says_what_came_from_the_cache(capsys):
    with search_progress(Console(stderr=True), [Objective.parse("accuracy:max")]) as listener:
        listener.on_progress(Progress(1, 4, 0, 1, 0.5), trial_of(2, {"fit": False}))
        listener.on_progress(
            Progress(2, 4, 0, 1, 0.5, reused=1), trial_of(3, {"fit": True, "prune": True, "quantize": False})
        )
    first, second = capsys.readouterr().err.splitlines()
    assert "cache" not in first
    assert second == "2/4  trial 3 COMPLETE: 90.30 % (fit, prune from the cache)  front 1  hypervolume 0.500  cached 1"


def test_a_line_of_a_trial_that_was_stopped_ends_with_its_state(capsys):
    stopped = replace(trial_of(3, {}), state=TrialState.STOPPED, metrics={"accuracy_at_1": 0.4})
    with search_progress(Console(stderr=True), [Objective.parse("accuracy:max")]) as listener:
        listener.on_progress(Progress(1, 4, 0, 1, 0.5), stopped)
    assert capsys.readouterr().err == "1/4  trial 3 STOPPED  front 1  hypervolume 0.500\n"


def test_a_terminal_gets_a_bar_that_fits_80_columns():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None)
    with search_progress(console, [Objective.parse("accuracy:max")]) as listener:
        listener.on_preparation("measuring this host")
        listener._bar.refresh()
        preparing = screen.getvalue()
        listener.on_progress(Progress(0, 100, 0, 0, 0.0), None)
        listener._bar.refresh()
        starting = screen.getvalue()
        listener.on_progress(Progress(42, 100, 3, 7, 0.8125, reused=20), trial="any")
        listener._bar.refresh()
    assert "measuring this host" in preparing
    assert "0/100 starting the workers" in starting
    assert "42/100 front 7  hypervolume 0.812  cached 20  failed 3" in screen.getvalue()
    frames = screen.getvalue().replace("\r", "\n").splitlines()
    assert max(len(frame.replace("\x1b[2K", "")) for frame in frames) <= 88, "80 columns and a cursor code"


def test_a_python_program_is_told_what_it_should_know_and_nothing_of_trials(capsys):
    with search_progress(Console(stderr=True), [Objective.parse("accuracy:max")], shows_lines=False) as listener:
        listener.on_preparation("measuring this host")
        listener.on_note("2 hidden folders are skipped: [.git]")
        listener.on_progress(Progress(1, 4, 0, 1, 0.5), trial_of(2, {"fit": False}))
    assert capsys.readouterr().err == "2 hidden folders are skipped: [.git]\n"


@pytest.mark.parametrize(("widgets", "is_moving"), [(object(), True), (None, False)])
def test_a_notebook_gets_a_bar_where_it_can_be_redrawn(monkeypatch, widgets, is_moving):
    monkeypatch.setattr(progress, "find_spec", lambda _name: widgets)
    console = Console(file=io.StringIO(), force_terminal=False, force_jupyter=True)
    assert progress._can_move_in_notebook(console) is is_moving
    assert not progress._can_move_in_notebook(Console(file=io.StringIO()))
