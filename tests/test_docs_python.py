"""The page on Python runs as it stands: a search, its table, a network trained further, and its file run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_first_example_is_short():
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 15


@pytest.mark.slow
def test_the_page_runs_as_it_stands(tmp_path):
    (space,) = blocks("yaml")
    (tmp_path / "small.yaml").write_text(space, encoding="utf-8")
    (tmp_path / "notebook.py").write_text("\n\n".join(blocks("python")), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("COMPLETE") == 4
    (rightly,) = re.findall(r"answers ([\d.]+)% of the test images rightly", ended.stdout)
    assert float(rightly) > 30
    assert "<study small-Net: 2 trials" in ended.stdout
    assert 0 < float(ended.stdout.splitlines()[-1]) <= 1
