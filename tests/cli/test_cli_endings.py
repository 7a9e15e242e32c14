"""A search ends cleanly whatever ends it, and keeps others from its study while it runs."""

import signal
import subprocess
import sys

import psutil
import pytest
from command_line import run, run_json, write_space
from test_cli_search_on_ray import Watched

from automl.cli.ending import endings_as_interrupts


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "search.json"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_each_ending_interrupts_and_has_its_exit_code(number, code):
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    inherited = signal.signal(number, usual)  # a test in the background inherits that they are ignored
    before = signal.getsignal(number)
    with endings_as_interrupts() as ending:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert ending.exit_code == code
    assert signal.getsignal(number) is before
    signal.signal(number, inherited)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_a_script_runs_in_the_background_ends_too(number):
    """There Ctrl-C is ignored, and everything else is not."""
    inherited = signal.signal(signal.SIGINT, signal.SIG_IGN)
    usual = signal.signal(number, signal.SIG_DFL)
    try:
        with endings_as_interrupts() as ending, pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert ending.exit_code == 128 + number
    finally:
        signal.signal(signal.SIGINT, inherited)
        signal.signal(number, usual)


def test_a_search_under_nohup_survives_its_terminal():
    script = (
        "import signal; from automl.cli.ending import endings_as_interrupts\n"
        "with endings_as_interrupts(): signal.raise_signal(signal.SIGHUP)\n"
        "print('alive')"
    )
    ignoring = "import signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    command = [sys.executable, "-c", ignoring + f"subprocess.run([sys.executable, '-c', {script!r}], check=True)"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "alive\n"


@pytest.mark.slow
def test_a_running_search_keeps_its_study_and_ends_cleanly_on_sigterm(tmp_path):
    write_space(tmp_path, "longer.yaml", epochs="20")
    arguments = ("search", "longer.yaml", "--study", "one", "--budget", "40", "--workers", "2", "--sampler", "random")
    with Watched(tmp_path, *arguments) as search:
        search.wait_for_trials(1)
        psutil.Process(search.process.pid).suspend()  # nothing but the second search could write
        for worker in search.workers():
            worker.suspend()
        before = contents(tmp_path / "trials" / "one")
        second = run(tmp_path, *arguments)
        assert contents(tmp_path / "trials" / "one") == before
        for process in (*search.workers(), psutil.Process(search.process.pid)):
            process.resume()
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr.startswith(f"automl: study 'one' is being searched by process {search.process.pid} on ")
        assert second.stderr.count("\n") == 1
        assert run(tmp_path, "compact", "one").returncode == 0
        search.process.send_signal(signal.SIGTERM)
        code, _, errors = search.end()
    assert code == 143
    assert errors.splitlines()[-1] == f"automl: interrupted; to go on: automl {' '.join(arguments)}"
    assert "***" not in errors
    _, orphans = psutil.wait_procs(search.family, timeout=10)
    assert not orphans
    numbers = [row["number"] for row in run_json(tmp_path, "trials", "one", "--json")]
    assert len(numbers) >= 1
    assert not (tmp_path / "trials" / "one" / "search.json").exists()
