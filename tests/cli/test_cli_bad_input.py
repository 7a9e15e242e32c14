"""Bad input ends with one clear line, exit code 2 and nothing written."""

import sys

import pytest
from command_line import write_space

from automl.cli.main import main
from automl.onnx_session import providers


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
        (["--target", "gpu"], ["'gpu'", "DEVICE:THREADS", "cpu, cuda, litert, openvino"]),
        (["--target", "openvino:256"], ["OpenVINO takes", "--target openvino:"]),
        (["--early-stopping", "maybe"], ["'maybe'", "auto, off"]),
        (["--time-budget", "soon"], ["'soon'", "30m"]),
        (["--cache-size", "huge"], ["'huge'", "10GB"]),
        (["--enqueue", "missing.json"], ["missing.json", "JSON"]),
        (["--from-study", "missing"], ["'missing'"]),
        (["--objective", "speed"], ["'speed'", "accuracy:max", "only where its plugin is installed"]),
        (["--objective", "accuracy:up"], ["'accuracy:up'", "METRIC:min"]),
        (["--objective", "speed:max"], ["'speed:max'", "no trial measures", "latency_ms"]),
        (["--constraint", "size_bytes<5"], ["'size_bytes<5'", "write 'size_bytes<=5'"]),
        (["--constraint", "size_bytes==5"], ["'=='", "write 'size_bytes<=5' or 'size_bytes>=5'"]),
        (["--constraint", "size_bytes=<5"], ["'=<'", "write 'size_bytes<=5'"]),
        (["--constraint", "size_bytes<=5ms"], ["'size_bytes<=5ms'", "no unit"]),
        (["--constraint", "latency_ms<=5kB"], ["'latency_ms<=5kB'", "no unit"]),
        (["--constraint", "size_bytes<=1e999"], ["'1e999' is too large"]),
        (["--constraint", "size_bytes<=nan"], ["'nan' is no number"]),
        (["--constraint", "size_bytes<=inf"], ["'inf' is no number"]),
        (["--constraint", "size_bytes<=0"], ["holds for no network", "never below 1"]),
        (["--constraint", "size_bytes<=-5kB"], ["holds for no network"]),
        (["--constraint", "size_bytes>=0"], ["holds for every network"]),
        (["--constraint", "latency_ms<=0"], ["holds for no network", "always above 0"]),
        (["--constraint", "accuracy>=95"], ["holds for no network", "write 0.95 or 95%"]),
        (["--constraint", "accuracy>=-1"], ["holds for every network"]),
        (["--constraint", "accuracy>=0.9", "--constraint", "accuracy<=0.5"], ["hold for no network together"]),
        (["--constraint", "accuracy>=0.9", "--constraint", "accuracy>=90%"], ["limit accuracy twice"]),
        (["--objective", "accuracy:min"], ["seeks the worst networks", "write accuracy:max"]),
        (["--objective", "size_bytes:max"], ["seeks the worst networks", "write size_bytes:min"]),
        (["--objective", "latency_batch:min"], ["the same for every network", "--target"]),
        (["--target", "cpu:1000"], ["'cpu:1000'", "1 to 256 threads"]),
        (["--target", "cpu:1:65537"], ["'cpu:1:65537'", "1 to 65536 images"]),
        (["--target", "cpu:0"], ["'cpu:0'"]),
        (["--target", ""], ["''", "DEVICE:THREADS"]),
        (["--budget", "-1"], ["-1 trials"]),
        (["--workers", "0"], ["0 workers"]),
        (["--gpus-per-trial", "-1"], ["-1 GPUs"]),
        (["--gpus-per-trial", "nan"], ["nan GPUs"]),
        (["--time-budget", "0"], ["'0'", "30m"]),
        (["--time-budget", ""], ["''", "30m"]),
        (["--time-budget", "9999999999999d"], ["30m"]),
        (["--cache-size", "-1"], ["'-1'", "10GB"]),
        (["--cache-size", "0"], ["'0'", "10GB"]),
        (["--cache-size", "huge", "--no-cache"], ["'huge'", "10GB"]),
        (["--seed", "4294967296"], ["seed 4294967296"]),
        (["--study", ""], ["''", "digits-small"]),
        (["--study", ".."], ["'..'", "digits-small"]),
        (["--study", "a" * 300], ["300 characters", "100"]),
        (["--study", "zahlen-\N{LATIN SMALL LETTER A WITH DIAERESIS}"], ["digits-small"]),
        (["--study", "\N{ARABIC-INDIC DIGIT ONE}"], ["digits-small"]),
        (["--study", "a b"], ["'a b'"]),
        (["--study", "-a"], ["'-a'"]),
        (["--from-study", "tiny"], ["'tiny'", "--from-study"]),
        (["--store", ""], ["--store DIR"]),
        (["--dataset", ""], ["''", "digits"]),
        (["--model", ""], ["''", "MODULE:CALLABLE"]),
        (["--model", "no_such_module:net"], ["'no_such_module:net' cannot be imported", "PYTHONPATH"]),
        (["--model", "os:no_such_function"], ["'os:no_such_function' cannot be imported"]),
        (["--model", "os:sep"], ["'os:sep' is a str, not a function"]),
        (["--address", ""], ["''", "HOST:PORT"]),
        (["--sampler", ""], ["''", "auto"]),
        (["--enqueue", "."], ["JSON"]),
        (["--constraint", "foo<=1"], ["'foo<=1'", "no trial measures"]),
        (["--dataset", "parquet:missing"], ["'missing'", "train.parquet"]),
        (["--dataset", "digit"], ["'digit'", "digits"]),
        (["--dataset", "digits?resize=8"], ["digits takes none of resize", "imagefolder"]),
        (["--dataset", "imagefolder:.?resize=big"], ["resize=big", "WIDTHxHEIGHT"]),
        (["--augmentation", "mirror"], ["'mirror'", "none, shift, flip, shift_and_flip"]),
        (["--study", "a/b"], ["'a/b'", "digits-small"]),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(refused, arguments, words):
    message = refused("search", "tiny.yaml", *arguments)
    assert all(word in message for word in words), message


def test_a_target_whose_runtime_is_not_installed_is_refused_with_the_line_that_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "pip install 'automl-pareto[openvino]'" in refused("search", "tiny.yaml", "--target", "openvino")


@pytest.mark.skipif("CUDA" in providers(), reason="this ONNX Runtime runs on a GPU")
def test_a_gpu_is_refused_where_the_runtime_has_none_with_what_it_has(refused):
    message = refused("search", "tiny.yaml", "--target", "cuda")
    assert "runs on" in message
    assert "CPU, not on CUDA; pip install onnxruntime-gpu" in message


def test_a_sampler_whose_extra_is_not_installed_is_refused_with_the_line_that_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "tianshou", None)
    monkeypatch.delitem(sys.modules, "automl_plugins.samplers.rl", raising=False)
    message = refused("search", "tiny.yaml", "--sampler", "rl")
    assert "'rl'" in message
    assert "`pip install 'automl-pareto[rl]'`" in message


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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("dataset: digits", "dataset: digit", ["'digit'", "digits"]),
        ("dataset: digits", "dataset: imagefolder:missing", ["'missing'"]),
        ("dataset: digits", "dataset: parquet:missing", ["'missing'", "train.parquet"]),
        ("dataset: digits", "dataset: torchvision:CIFAR1000", ["'CIFAR1000'"]),
        ("dataset: digits", "dataset: python:nowhere", ["MODULE:CALLABLE"]),
        ("accuracy:max, size_bytes:min", "accuracy:max, accuracy:max", ["twice"]),
        ("accuracy:max, size_bytes:min", "accuracy:min", ["write accuracy:max"]),
        ("accuracy:max, size_bytes:min", "speed:max", ["'speed:max'", "no trial measures"]),
        ("  ptq:", "  pqt:", ["line 16", "unknown technique 'pqt'"]),
        ("[8, 16]", "{min: 16, max: 8}", ["line 7", "upside down"]),
        ("  epochs: 1", "  epochs: 010", ["line 12", "octal"]),
    ],
)
def test_what_a_search_refuses_of_a_file_is_refused_where_the_file_is_shown(refused, tmp_path, old, new, words):
    path = tmp_path / "tiny.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    message = refused("spaces", "tiny.yaml")
    assert all(word in message for word in words), message
    assert refused("search", "tiny.yaml").partition(": try ")[0] == message.partition(": try ")[0]


def test_a_torn_parquet_file_is_refused(refused, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"PAR1 and then nothing")
    assert "data/train.parquet" in refused("search", "tiny.yaml", "--dataset", "parquet:data")


def test_a_store_that_cannot_be_written_is_refused(refused, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for store in ("file/store", "file"):
        message = refused("search", "tiny.yaml", "--store", store)
        assert store in message
        assert "--store" in message


@pytest.mark.parametrize("command", [["trials"], ["pareto"], ["compact"], ["show", "0"], ["export", "0", "-o", "out"]])
def test_an_unknown_study_is_refused(refused, command):
    name, *rest = command
    message = refused(name, "nothing", *rest)
    assert "'nothing'" in message
    assert "automl search" in message


def test_an_unknown_technique_is_refused_with_the_nearest(refused):
    assert "l1_norm" in refused("plugins", "l1norm")
