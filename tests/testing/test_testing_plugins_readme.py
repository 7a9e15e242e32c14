"""The technique that plugins/README.md shows, and the test that it shows for it, work as pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "plugins" / "README.md"


@pytest.mark.slow
def test_technique_and_test_of_the_readme_pass_the_contract(tmp_path):
    for source in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        name = re.match(r"# (\w+\.py)\n", source)[1]
        (tmp_path / name).write_text(source)
    assert {"my_pruner.py", "test_my_pruner.py", "my_metric.py", "test_my_metric.py"} <= {
        path.name for path in tmp_path.iterdir()
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout
