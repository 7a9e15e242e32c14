"""Shows how a search goes on: a bar on a terminal or in a notebook, a line a trial where output is piped."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from automl.core.objective import Objective
from automl.core.trial import Trial
from automl.report.figures import figure
from automl.report.units import human_seconds

if TYPE_CHECKING:  # the session imports the store, and with it pyarrow
    from automl.search.session import Progress as SearchProgress
    from automl.search.session import SearchListener


_PACE_KNOWN_AFTER = 3


class TimeLeft:
    """Estimates the time left from the pace since the first trial of this run: the start of workers says nothing."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def text(self, done: int, budget: int) -> str:
        """Say how long the trials after ``done`` will take; empty while the pace is unknown."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        started, first = self._first
        if done - first < _PACE_KNOWN_AFTER or done >= budget:
            return ""
        return f"{human_seconds(max(round((now - started) / (done - first) * (budget - done)), 1))} left"


@contextmanager
def search_progress(
    console: Console, objectives: Sequence[Objective], *, shows_bar: bool = True, shows_lines: bool = True
) -> "Iterator[SearchListener]":
    """Show a bar while the search runs, or lines where there is nobody to see a bar move.

    Args:
        console: Where to show it.
        objectives: What a line tells of a trial.
        shows_bar: Whether there is a bar where one can be redrawn.
        shows_lines: Whether there is a line a trial where there is no bar; without, only what matters is told.
    """
    if not (shows_bar and (console.is_terminal or _can_move_in_notebook(console))):
        yield _Lines(console, objectives) if shows_lines else _Notes(console)
        return
    with Progress(
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[status]}"),
        TimeElapsedColumn(),
        console=console,
    ) as bar:
        yield _Bar(bar)


def _can_move_in_notebook(console: Console) -> bool:
    """Say whether rich can redraw a bar: in a notebook it needs ipywidgets, and would print each state without."""
    return console.is_jupyter and find_spec("ipywidgets") is not None


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("search", total=None, status="starting")
        self._time_left = TimeLeft()

    def on_preparation(self, what: str) -> None:
        self._bar.update(self._task, status=what)

    def on_note(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def on_progress(self, progress: "SearchProgress", trial: Trial | None) -> None:
        left = "" if trial is None else self._time_left.text(progress.done, progress.budget)
        status = _start(progress) if trial is None else f"{_status(progress)}  {left}".rstrip()
        self._bar.update(self._task, total=progress.budget, completed=progress.done, status=status)


class _Notes:
    def __init__(self, console: Console) -> None:
        self._console = console

    def on_preparation(self, what: str) -> None: ...

    def on_note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def on_progress(self, progress: "SearchProgress", trial: Trial | None) -> None: ...


class _Lines:
    def __init__(self, console: Console, objectives: Sequence[Objective]) -> None:
        self._console = console
        self._metrics = [objective.metric for objective in objectives]
        self._time_left = TimeLeft()

    def on_preparation(self, what: str) -> None:
        self._print(what)

    def on_note(self, text: str) -> None:
        self._print(text)

    def on_progress(self, progress: "SearchProgress", trial: Trial | None) -> None:
        if trial is None:
            self._print(f"{progress.done} of {progress.budget} trials done; {_start(progress)}")
            return
        left = self._time_left.text(progress.done, progress.budget)
        values = [figure(trial, metric) for metric in self._metrics if metric in trial.metrics]
        outcome = ", ".join(values) or trial.error
        ending = f"{trial.state}: {outcome}" if outcome else trial.state
        line = f"{progress.done}/{progress.budget}  trial {trial.number} {ending}{_reused(trial)}"
        self._print("  ".join(part for part in (line, _status(progress), left) if part))

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _start(progress: "SearchProgress") -> str:
    return "starting the workers" if progress.done < progress.budget else "nothing left to run"


def _reused(trial: Trial) -> str:
    steps = [step for step, is_cached in trial.cached.items() if is_cached]
    return f" ({', '.join(steps)} from the cache)" if steps else ""


def _status(progress: "SearchProgress") -> str:
    failed = f"  failed {progress.failed}" if progress.failed else ""
    reused = f"  cached {progress.reused}" if progress.reused else ""
    return f"front {progress.front_size}  hypervolume {progress.hypervolume:.3f}{reused}{failed}"
