"""Help answers at once, and every command has it."""

import subprocess
import sys
import time

import pytest
from command_line import AUTOML, environment, run

COMMANDS = ("search", "pareto", "trials", "show", "export", "plugins", "spaces", "compact", "doctor")
HEAVY = ("torch", "ray", "optuna", "pyarrow", "onnx", "onnxruntime", "nni", "pandas", "sklearn")


def test_help_imports_nothing_heavy():
    program = (
        "import atexit, sys; from automl.cli.main import main; "
        f"atexit.register(lambda: sys.stderr.write(repr([n for n in {HEAVY} if n in sys.modules]))); "
        "sys.argv = ['automl', '--help']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment()
    )
    assert done.stderr == "[]"
    assert all(command in done.stdout for command in COMMANDS)


def best_of_five(command) -> float:
    def seconds():
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, env=environment())
        return time.perf_counter() - started

    return min(seconds() for _ in range(5))


def test_help_answers_at_once():
    # against an interpreter that imports only what typer needs, so that a busy machine changes nothing
    least = best_of_five([sys.executable, "-c", "import typer, rich.console, pydantic"])
    assert best_of_five([*AUTOML, "--help"]) < max(0.5, 3 * least)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_fits_80_columns(tmp_path, command):
    done = run(tmp_path, command, "--help")
    assert done.returncode == 0
    assert "Usage: automl" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
