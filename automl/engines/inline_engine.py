"""Runs trials one after the other in this process: for tests, and for a debugger."""

from automl.engines.trial_source import TrialSource
from automl.pipeline.trial_runner import TrialRunner


def run_inline(session: TrialSource, runner: TrialRunner) -> None:
    """Run until the session hands out no more points."""
    while (assignment := session.next()) is not None:
        session.finish(runner.run(*assignment))
