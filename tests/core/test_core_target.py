import pytest

from automl.core.target import Target
from automl.errors import UsageError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("cpu", Target()),
        ("cpu:4", Target(threads=4)),
        ("cpu:1:8", Target(batch=8)),
        ("cpu:2:3", Target(threads=2, batch=3)),
        ("openvino", Target(device="openvino")),
        ("openvino:4:8", Target(device="openvino", threads=4, batch=8)),
        ("cuda:1:8", Target(device="cuda", batch=8)),
    ],
)
def test_target_is_read_and_written(text, target):
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "cpu:",
        "cpu:0",
        "cpu:1:0",
        "cpu:-1",
        "cpu:1:2:3",
        "cpu:257",
        "cpu:1000",
        "cpu:1:65537",
        "cpu:\N{ARABIC-INDIC DIGIT ONE}",
        " cpu",
        "tpu:1",
        "cpu:one",
        "cuda:0",
    ],
)
def test_bad_target_is_refused_with_its_form(text):
    with pytest.raises(UsageError, match=r"(?s)target '.*DEVICE:THREADS.*cpu, openvino, cuda"):
        Target.parse(text, ("cpu", "openvino", "cuda"))


def test_a_target_whose_runtime_is_not_installed_is_not_called_malformed():
    with pytest.raises(UsageError, match=r"'npu:2' is for a runtime that is not installed; .*devices cpu, cuda;"):
        Target.parse("npu:2", ["cpu", "cuda"])
    with pytest.raises(UsageError, match=r"'cpu:0' is not of the form"):
        Target.parse("cpu:0", ["cpu", "cuda"])
