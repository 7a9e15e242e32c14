"""Runs trials one after the other in this process: for tests, and for a debugger."""

from automl.pipeline.trial_runner import TrialRunner
from automl.search.session import SearchSession


def run_inline(session: SearchSession, runner: TrialRunner) -> None:
    """Run until the session hands out no more points."""
    while (assignment := session.next()) is not None:
        session.finish(runner.run(*assignment))
