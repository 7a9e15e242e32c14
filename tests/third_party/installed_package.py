"""Packages of somebody else, pip-installed beside automl, and the command line that sees them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def environment_with(package: Path, tmp_path_factory) -> dict[str, str]:
    """Install a package, and give what a process needs to see it."""
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / package.name  # pip leaves a build in it
    shutil.copytree(package, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True, timeout=240)
    return {**os.environ, "PYTHONPATH": str(target)}


def automl(environment, *arguments, cwd=None, check=True):
    """Run the command line."""
    command = [str(Path(sys.executable).parent / "automl"), *arguments]
    return subprocess.run(command, env=environment, cwd=cwd, check=check, capture_output=True, text=True, timeout=240)
