"""Bad input ends with one clear line, exit code 2 and nothing written."""

import sys

import pytest
from command_line import write_space

from automl.cli.main import main
from automl.measure.session import providers


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run a command in a folder of its own, and give the one line that it was refused with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOML_STORE", raising=False)
    write_space(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["automl", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        assert ended.value.code == 2, written.err
        assert not written.out
        assert written.err.startswith("automl: ")
        assert written.err.count("\n") == 1
        assert not (tmp_path / "trials").exists()
        return written.err

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "0"], ["0 trials", "--budget 1"]),
        (["--workers", "-1"], ["-1 workers", "--workers 1"]),
        (["--sampler", "tpx"], ["'tpx'", "tpe, gp, nsga2"]),
        (["--seed", "-1"], ["seed -1", "--seed"]),
        (["--gpus-per-trial", "64"], ["64 GPUs", "--gpus-per-trial"]),
        (["--address", "nowhere"], ["'nowhere'", "HOST:PORT"]),
        (["--keep-artifacts", "some"], ["'some'", "front, all, none"]),
        (["--target", "gpu"], ["'gpu'", "DEVICE:THREADS", "cpu, openvino, cuda"]),
        (["--target", "openvino:256"], ["OpenVINO takes", "--target openvino:"]),
        (["--early-stopping", "maybe"], ["'maybe'", "auto, off"]),
        (["--time-budget", "soon"], ["'soon'", "30m"]),
        (["--cache-size", "huge"], ["'huge'", "10GB"]),
        (["--enqueue", "missing.json"], ["missing.json", "JSON"]),
        (["--from-study", "missing"], ["'missing'"]),
        (["--objective", "accuracy"], ["'accuracy'", "accuracy:max"]),
        (["--objective", "accuracy:up"], ["'accuracy:up'", "METRIC:min"]),
        (["--objective", "speed:max"], ["'speed:max'", "no trial measures", "latency_ms"]),
        (["--constraint", "size_bytes<5"], ["'size_bytes<5'", "METRIC<=NUMBER"]),
        (["--constraint", "size_bytes<=5k"], ["'size_bytes<=5k'"]),
        (["--constraint", "foo<=1"], ["'foo<=1'", "no trial measures"]),
        (["--dataset", "parquet:missing"], ["'missing'", "train.parquet"]),
        (["--dataset", "digit"], ["'digit'", "digits"]),
        (["--study", "a/b"], ["'a/b'", "digits-small"]),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(refused, arguments, words):
    message = refused("search", "tiny.yaml", *arguments)
    assert all(word in message for word in words), message


def test_a_target_whose_runtime_is_not_installed_is_refused_with_the_line_that_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "pip install 'automl[openvino]'" in refused("search", "tiny.yaml", "--target", "openvino")


@pytest.mark.skipif("CUDA" in providers(), reason="this ONNX Runtime runs on a GPU")
def test_a_gpu_is_refused_where_the_runtime_has_none_with_what_it_has(refused):
    message = refused("search", "tiny.yaml", "--target", "cuda")
    assert "runs on" in message
    assert "CPU, not on CUDA; pip install onnxruntime-gpu" in message


def test_a_sampler_whose_extra_is_not_installed_is_refused_with_the_line_that_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "tianshou", None)
    monkeypatch.delitem(sys.modules, "automl_plugins.rl", raising=False)
    message = refused("search", "tiny.yaml", "--sampler", "rl")
    assert "'rl'" in message
    assert "`pip install 'automl[rl]'`" in message


def test_an_unknown_space_is_refused_with_the_nearest(refused):
    assert "did you mean digits" in refused("search", "digts")
    assert "did you mean digits" in refused("spaces", "digts")


def test_a_missing_space_file_is_refused(refused):
    assert "mine.yaml" in refused("search", "mine.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("training:", "trainng:", ["line 11", "trainng", "did you mean training"]),
        ("  epochs: 1", "  epoch: 1", ["line 12", "did you mean epochs"]),
        ("[8, 16]", "{min: 16, max: 8}", ["line 7", "upside down", "16", "8"]),
        ("  ptq:", "  pqt:", ["line 16", "unknown technique 'pqt'", "ptq"]),
        ("accuracy:max, size_bytes:min", "speed:max", ["'speed:max'", "no trial measures"]),
    ],
)
def test_a_mistake_in_a_space_file_is_located(refused, tmp_path, old, new, words):
    path = tmp_path / "tiny.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    message = refused("search", "tiny.yaml")
    assert all(word in message for word in words), message


def test_a_torn_parquet_file_is_refused(refused, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"PAR1 and then nothing")
    assert "data/train.parquet" in refused("search", "tiny.yaml", "--dataset", "parquet:data")


def test_a_store_that_cannot_be_written_is_refused(refused, tmp_path):
    (tmp_path / "file").write_text("no folder")
    message = refused("search", "tiny.yaml", "--store", "file/store")
    assert "file/store" in message
    assert "--store" in message


@pytest.mark.parametrize("command", [["trials"], ["pareto"], ["compact"], ["show", "0"], ["export", "0", "-o", "out"]])
def test_an_unknown_study_is_refused(refused, command):
    name, *rest = command
    message = refused(name, "nothing", *rest)
    assert "'nothing'" in message
    assert "automl search" in message


def test_an_unknown_technique_is_refused_with_the_nearest(refused):
    assert "l1_norm" in refused("plugins", "l1norm")
