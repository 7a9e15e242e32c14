"""The contract finds what it is there to find: each runtime here breaks one promise."""

# ruff: noqa: ARG002 # they ignore what they are given

import itertools
import threading
from unittest import SkipTest

import numpy as np
import pytest

from automl.onnx_session import open_session
from automl.runtime import Runtime
from automl.testing import RuntimeContract


class Honest(Runtime):
    """ONNX Runtime, on a file of another name."""

    name = "honest"
    title = "Honest"
    files = ("honest.onnx",)
    distributions = ("onnxruntime",)
    works_on_caller = True

    def write(self, model, folder):
        (folder / "honest.onnx").write_bytes(model)

    def open(self, path, *, threads):
        session = open_session(path, threads=threads)
        return lambda images: session.run(None, {"image": images})[0]

    def usage(self, path, *, threads):
        return f"""
import onnxruntime
logits, = onnxruntime.InferenceSession("{path}").run(None, {{"image": pixels}})"""


class Mute(Honest):
    title = " "
    tolerance = 0.5


class Untidy(Honest):
    def write(self, model, folder):
        super().write(model, folder)
        (folder / "log.txt").write_text("done")


class Overwriting(Honest):
    def write(self, model, folder):
        super().write(model, folder)
        (folder / "model.onnx").write_bytes(model[:-1])


class Restless(Honest):
    written = itertools.count()

    def write(self, model, folder):
        (folder / "honest.onnx").write_bytes(model + b"\x7a\x02\x08" + bytes([next(self.written)]))


class Wrong(Honest):
    def open(self, path, *, threads):
        network = super().open(path, threads=threads)
        return lambda images: network(images) * np.float32(1.05)


class Doubles(Honest):
    def open(self, path, *, threads):
        network = super().open(path, threads=threads)
        return lambda images: network(images).astype(np.float64)


class Shared(Honest):
    def open(self, path, *, threads):
        network, buffer = super().open(path, threads=threads), {}

        def run(images):
            answer = network(images)
            kept = buffer.setdefault(answer.shape, answer)
            kept[:] = answer
            return kept

        return run


class Misled(Honest):
    def usage(self, path, *, threads):
        return super().usage(path, threads=threads) + "\nlogits = -logits"


class Elsewhere(Honest):
    def open(self, path, *, threads):
        network = super().open(path, threads=threads)

        def run(images):
            answers = []
            worker = threading.Thread(target=lambda: answers.extend(network(images) for _ in range(5)))
            worker.start()
            worker.join()
            return answers[0]

        return run


class Blind(Honest):
    """Opens whatever it is given."""

    def open(self, path, *, threads):
        return lambda images: np.zeros((len(images), 5), np.float32)


class Independent(Honest):
    """Says that it needs a package that it does not need."""

    install = "pip install pyyaml"
    distributions = ("PyYAML",)


def contract(runtime) -> RuntimeContract:
    return type("TestIt", (RuntimeContract,), {"runtime": runtime})()


FORM = ("float32",)


@pytest.mark.parametrize(
    ("runtime", "test", "message"),
    [
        (Mute(), "test_it_says_what_it_is", "its title is empty; its tolerance is not between 0 and 0.1"),
        (Untidy(), "test_it_writes_the_files_that_it_names_and_no_others", r"writes \['honest.onnx', 'log.txt'\]"),
        (Overwriting(), "test_it_writes_the_files_that_it_names_and_no_others", "it changes model.onnx"),
        (Restless(), "test_equal_networks_give_equal_files", "honest.onnx has other bytes"),
        (Wrong(), "test_it_answers_like_onnx_runtime", r"lie \d.\d\d% of their spread .* it states 1.00%"),
        (Doubles(), "test_it_answers_like_onnx_runtime", "it gives float64"),
        (Shared(), "test_answers_of_one_call_outlive_the_next", "changes with the next one"),
        (Misled(), "test_the_lines_that_it_shows_run", "the lines give"),
        (Elsewhere(), "test_one_thread_works_where_it_is_called_if_it_says_so", "leave works_on_caller out"),
        (Blind(), "test_a_torn_file_is_refused_in_one_line", "a torn file is opened and run"),
        (
            Independent(),
            "test_without_what_it_needs_the_refusal_ends_in_the_command_that_installs_it",
            "it works without .*yaml",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_broken_promise_is_found(runtime, test, message):
    of_each_form = {"test_it_writes", "test_equal", "test_it_answers", "test_the_lines"}
    arguments = FORM if any(test.startswith(start) for start in of_each_form) else ()
    with pytest.raises(AssertionError, match=message):
        getattr(contract(runtime), test)(*arguments)


def test_a_runtime_that_this_host_has_not_is_skipped_with_the_command_that_installs_it():
    class Absent(Honest):
        install = "pip install absent"

        def open(self, path, *, threads):
            raise ModuleNotFoundError("No module named 'absent'", name="absent")

    with pytest.raises(SkipTest, match="Honest is not installed; pip install absent"):
        contract(Absent()).test_it_answers_like_onnx_runtime(*FORM)
