"""Runs ``automl`` as a user does, in a process of its own and a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

AUTOML = [sys.executable, "-c", "from automl.cli.main import main; import sys; sys.argv[0] = 'automl'; main()"]

TINY_SPACE = """\
description: A few small networks.
dataset: digits
objectives: [accuracy:max, size_bytes:min]
architecture:
  conv_net:
    depth: 2
    width_1: [8, 16]
    width_2: [8, 16]
    kernel: [3, 5]
    activation: [relu, tanh]
training:
  epochs: 1
  learning_rate: 0.01
quantizer:
  none:
  ptq:
weight_bits:
  level: [4, 8]
"""


def environment() -> dict[str, str]:
    names = ("AUTOML_STORE", "FORCE_COLOR", "NO_COLOR", "PYTHONWARNINGS")
    return {name: value for name, value in os.environ.items() if name not in names} | {"COLUMNS": "80"}


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*AUTOML, *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*AUTOML, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=240
    )


def run_json(folder: Path, *arguments: str) -> object:
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write_space(folder: Path, name: str = "tiny.yaml", **replaced: str) -> None:
    """Write the tiny space; ``epochs="12"`` replaces the line of that key."""
    lines = TINY_SPACE.splitlines()
    for key, value in replaced.items():
        index = next(index for index, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        lines[index] = f"{lines[index].partition(':')[0]}: {value}"
    (folder / name).write_text("\n".join(lines) + "\n")
