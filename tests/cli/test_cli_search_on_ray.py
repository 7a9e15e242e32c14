"""A search in processes of its own: continued, extended, interrupted, and losing workers."""

import json
import re
import signal
import threading
import time

import psutil
import pytest
from command_line import run, run_json, start, write_space

pytestmark = pytest.mark.slow

DONE = re.compile(r"(\d+)/\d+  trial \d+ ")


class Watched:
    """A search that runs; its lines on standard error are read as they come."""

    def __init__(self, folder, *arguments):
        self.process = start(folder, *arguments)
        self.lines: list[str] = []
        self.family: set[psutil.Process] = set()
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stderr.readline, "")))
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def wait_for_trials(self, count: int) -> None:
        ends = time.monotonic() + 120
        while not any((done := DONE.match(line)) and int(done[1]) >= count for line in list(self.lines)):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < ends, self.lines
            time.sleep(0.02)
        self.family = set(psutil.Process(self.process.pid).children(recursive=True))

    def workers(self) -> list[psutil.Process]:
        return [member for member in self.family if "Trainable" in "".join(member.cmdline())]

    def end(self) -> tuple[int, str, str]:
        out = self.process.stdout.read()
        code = self.process.wait(timeout=120)
        self.reader.join()
        return code, out, "".join(self.lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searches")
    write_space(folder)
    write_space(folder, "longer.yaml", epochs="20")
    return folder


@pytest.fixture(scope="module")
def first(folder):
    return run(folder, "search", "tiny.yaml", "--budget", "4", "--workers", "2")


def test_a_search_prints_the_front_and_the_next_command(folder, first):
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    assert re.findall(r"^(\d+/\d+)  ", first.stderr, re.MULTILINE) == ["1/4", "2/4", "3/4", "4/4"]
    assert "of 4 trials" in first.stdout
    command = re.search(r"Next: automl (export tiny \d+ -o deploy)", first.stdout)[1]
    assert run(folder, *command.split()).returncode == 0


def test_only_the_front_was_measured_again_and_rows_are_in_one_file(folder, first):
    rows = run_json(folder, "trials", "tiny", "--json")
    front = {row["number"] for row in run_json(folder, "pareto", "tiny", "--json")}
    assert {row["number"] for row in rows} == {0, 1, 2, 3}
    for column in ("metric.test_accuracy", "metric.latency_idle_ms", "artifact"):
        assert {row["number"] for row in rows if row[column] is not None} == front, first.stderr
    assert (folder / "trials" / "tiny" / "trials.parquet").exists()
    assert not list((folder / "trials" / "tiny" / "trials").glob("*.parquet"))


def test_the_same_command_again_runs_nothing_and_prints_the_same(folder, first):
    before = run_json(folder, "trials", "tiny", "--json")
    again = run(folder, "search", "tiny.yaml", "--budget", "4", "--workers", "2")
    assert again.returncode == 0
    assert again.stdout == first.stdout
    assert "trial " not in again.stderr
    assert run_json(folder, "trials", "tiny", "--json") == before


def test_a_larger_budget_runs_only_the_difference(folder, first):
    before = run_json(folder, "trials", "tiny", "--json")
    more = run(folder, "search", "tiny.yaml", "--budget", "6", "--workers", "2", "--json")
    assert more.returncode == 0, more.stderr
    document = json.loads(more.stdout)
    assert (document["study"], document["trials"], document["is_interrupted"]) == ("tiny", 6, False)
    assert re.findall(r"^(\d+/\d+)  ", more.stderr, re.MULTILINE) == ["5/6", "6/6"], first.stderr
    rows = run_json(folder, "trials", "tiny", "--json")
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row["started_at"] for row in rows[:4]] == [row["started_at"] for row in before]
    assert {row["number"] for row in document["front"]} == {
        row["number"] for row in run_json(folder, "pareto", "tiny", "--json")
    }


def test_a_killed_worker_and_a_failed_trial_do_not_end_a_search(folder):
    blocked = folder / "trials" / "killed" / "artifacts" / "000001"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where trial 1 needs a folder")
    arguments = ("search", "longer.yaml", "--study", "killed", "--budget", "8", "--workers", "2", "--json")
    with Watched(folder, *arguments) as search:
        search.wait_for_trials(2)
        search.workers()[0].kill()
        code, out, errors = search.end()
    assert code == 0, errors
    assert json.loads(out)["trials"] == 8
    assert "Traceback" not in errors
    rows = run_json(folder, "trials", "killed", "--json")
    assert [row["number"] for row in rows] == list(range(8))
    assert {row["number"]: row["state"] for row in rows if row["state"] != "COMPLETE"} == {1: "FAILED"}
    assert "StoreError" in rows[1]["error"]
    assert "Traceback" in rows[1]["error_traceback"]


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(folder):
    arguments = ("search", "longer.yaml", "--study", "stopped", "--budget", "12", "--workers", "2")
    with Watched(folder, *arguments) as search:
        search.wait_for_trials(2)
        search.process.send_signal(signal.SIGINT)
        code, out, errors = search.end()
    assert code == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == f"automl: interrupted; to go on: automl {' '.join(arguments)}"
    _, orphans = psutil.wait_procs(search.family, timeout=10)
    assert not orphans
    kept = run_json(folder, "trials", "stopped", "--json")
    assert 2 <= len(kept) < 12
    assert f"of {len(kept)} trials" in out
    resumed = run(folder, *arguments)
    assert resumed.returncode == 0, resumed.stderr
    rows = run_json(folder, "trials", "stopped", "--json")
    assert len(rows) == 12
    started = {row["number"]: row["started_at"] for row in rows}
    assert all(started[row["number"]] == row["started_at"] for row in kept)


def test_a_search_stops_when_its_first_ten_trials_fail(folder):
    study = folder / "trials" / "hopeless"
    study.mkdir(parents=True)
    (study / "artifacts").write_text("a file where artifacts need a folder")
    arguments = ("search", "tiny.yaml", "--study", "hopeless", "--budget", "30", "--workers", "2")
    for _ in range(2):  # the second time at once, without a worker
        done = run(folder, *arguments)
        assert done.returncode == 1
        assert not done.stdout
        message = done.stderr.splitlines()[-1]
        assert message.startswith("automl: the first 1")
        assert "StoreError" in message
        assert re.search(r"automl show hopeless \d+", message)
    assert "trial " not in done.stderr.splitlines()[0]
    assert 10 <= len(run_json(folder, "trials", "hopeless", "--json")) <= 12
