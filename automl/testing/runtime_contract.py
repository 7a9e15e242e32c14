"""The contract of automl.runtime as a class of tests, which the author of a runtime subclasses."""

import functools
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol
from unittest import SkipTest
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from automl.errors import AutomlError, UsageError
from automl.measure.answers import predict
from automl.measure.runtime import check_host, open_in
from automl.pipeline.conversion import write_for
from automl.runtime import ONNX_FILE, Network, Runtime
from automl.testing.deployed_files import FORMS, deployed_file, images

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LARGEST_TOLERANCE = 0.1
_CALLS = 200
_CALLS_TO_WARM_UP = 20
_REST_OF_THE_PROCESS = 1.1


class _Tests(Protocol):
    """What pytest hands over, so that importing this module does not need it."""

    fixturenames: list[str]

    def parametrize(self, argnames: str, argvalues: list[Any], *, ids: list[str]) -> None: ...


class RuntimeContract:
    """Tests that a runtime keeps its contract; subclass it in a test file, and pytest finds them.

    Where this host cannot run it, the tests that need it are skipped with the reason.

    Attributes:
        runtime: It is made without arguments.
    """

    runtime: ClassVar[Runtime]

    def pytest_generate_tests(self, metafunc: _Tests) -> None:
        """Make a test of every form in which weights are stored."""
        if "form" in metafunc.fixturenames:
            metafunc.parametrize("form", list(FORMS), ids=[form.replace(" ", "_") for form in FORMS])

    def test_it_says_what_it_is(self) -> None:
        """Messages have a title for it, rows its version, and a user the command that installs it."""
        runtime = self.runtime
        faults = [
            _NAME.fullmatch(runtime.name) is None and "its name is not of lower case letters, digits and underscores",
            not runtime.title.strip() and "its title is empty",
            "\n" in runtime.install and "the command that installs it is more than one line",
            not 0 <= runtime.tolerance <= _LARGEST_TOLERANCE
            and f"its tolerance is not between 0 and {_LARGEST_TOLERANCE}",
            not runtime.distributions and "it names no distribution whose version decides what it does",
        ]
        if any(faults):
            raise AssertionError("; ".join(fault for fault in faults if fault))

    def test_it_states_its_versions(self) -> None:
        """A row says with which versions it was measured."""
        try:
            versions = self.runtime.versions()
        except PackageNotFoundError as error:
            raise SkipTest(f"{error.name} is not installed") from error
        if not all(isinstance(version, str) and version for version in versions.values()):
            raise AssertionError(f"a version is empty: {versions}")

    def test_it_writes_the_files_that_it_names_and_no_others(self, form: str) -> None:
        """What it does not name is lost, and what it names is missed."""
        with self._deployed(form) as path:
            found = {file.name for file in path.parent.iterdir()} - {ONNX_FILE}
            named = set(self.runtime.files) - {ONNX_FILE}
            if found != named:
                raise AssertionError(f"it names the files {sorted(named)} and writes {sorted(found)}")
            if (path.parent / ONNX_FILE).read_bytes() != deployed_file(form):
                raise AssertionError(f"it changes {ONNX_FILE}, which others open")

    def test_equal_networks_give_equal_files(self, form: str) -> None:
        """An export can be repeated, and its checksum compared."""
        with self._deployed(form) as path, self._deployed(form) as again:
            for name in self.runtime.files:
                if path.with_name(name).read_bytes() != again.with_name(name).read_bytes():
                    raise AssertionError(f"{name} has other bytes when it is written again")

    def test_it_answers_like_onnx_runtime(self, form: str) -> None:
        """Within its tolerance, one image a call and all in one."""
        with self._deployed(form) as path:
            expected, network = predict(path.with_name(ONNX_FILE), images(), batch_size=len(images())), self._open(path)
            for batch in (1, len(images())):
                starts = range(0, len(images()), batch)
                found = np.concatenate([network(self._pixels(start, batch)) for start in starts])
                if found.shape != expected.shape or found.dtype != np.float32:
                    raise AssertionError(f"it gives {found.dtype} of the shape {found.shape}, {batch} images a call")
                apart = _apart(expected, found)
                if not apart <= self.runtime.tolerance:
                    raise AssertionError(
                        f"its logits lie {apart:.2%} of their spread from those of ONNX Runtime, {batch} images a "
                        f"call; it states {self.runtime.tolerance:.2%}"
                    )

    def test_answers_of_one_call_outlive_the_next(self) -> None:
        """Answers that share a buffer would change under the hands of who has them."""
        with self._deployed(FORMS[0]) as path:
            network = self._open(path)
            kept = network(self._pixels(0, 1))
            before = kept.copy()
            network(self._pixels(1, 1))
            if not np.array_equal(before, kept):
                raise AssertionError("the answer of a call changes with the next one; give a copy")

    def test_the_lines_that_it_shows_run(self, form: str) -> None:
        """From ``pixels`` to ``logits``, pasted as they are."""
        with self._deployed(form) as path:
            expected = predict(path.with_name(ONNX_FILE), images()[:1])
            for threads in (None, 1):
                names: dict[str, Any] = {"pixels": self._pixels(0, 1)}
                exec(self.runtime.usage(str(path), threads=threads), names)  # noqa: S102 # what a user pastes
                found = np.asarray(names["logits"])
                if not _apart(expected, found.reshape(expected.shape)) <= self.runtime.tolerance:
                    raise AssertionError(f"the lines give {found}, where ONNX Runtime gives {expected}")

    def test_one_thread_works_where_it_is_called_if_it_says_so(self) -> None:
        """CPU time of the calling thread is latency only if no other thread of the process has a part in it."""
        if not self.runtime.works_on_caller:
            raise SkipTest("its latency is wall time")
        with self._deployed(FORMS[0]) as path:
            network, pixels = self._open(path), self._pixels(0, 1)
            for _ in range(_CALLS_TO_WARM_UP):
                network(pixels)
            thread_ns, process_ns = -time.thread_time_ns(), -time.process_time_ns()
            for _ in range(_CALLS):
                network(pixels)
            thread_ns, process_ns = thread_ns + time.thread_time_ns(), process_ns + time.process_time_ns()
        if process_ns > _REST_OF_THE_PROCESS * thread_ns:
            raise AssertionError(
                f"the process works {process_ns / thread_ns:.2f} times as long as the thread that calls; "
                "leave works_on_caller out"
            )

    def test_a_torn_file_is_refused_in_one_line(self) -> None:
        """It hurts one trial, and the line says why."""
        with self._deployed(FORMS[0]) as path:
            path.write_bytes(path.read_bytes()[:40])
            try:
                self._open(path)(self._pixels(0, 1))
            except AutomlError as refusal:
                if "\n" in str(refusal):
                    raise AssertionError(f"the refusal has more than one line: {refusal}") from refusal
            else:
                raise AssertionError("a torn file is opened and run")

    def test_without_what_it_needs_the_refusal_ends_in_the_command_that_installs_it(self) -> None:
        """Nobody is hurt but who chooses it, and that one knows what to do."""
        runtime = self.runtime
        needed = [package for package, owners in _owners().items() if set(owners) & set(runtime.distributions)]
        if not runtime.install or not needed or runtime.needs_gpu:
            raise SkipTest("it needs nothing that can be taken away here")
        with self._folder(FORMS[0]) as source, _without(needed):
            try:
                self._open(write_for(runtime, source))
            except UsageError as refusal:
                if runtime.install not in str(refusal) or runtime.title not in str(refusal):
                    raise AssertionError(f"the refusal lacks {runtime.install!r}: {refusal}") from refusal
            else:
                raise AssertionError(f"it works without {', '.join(needed)}: name what it needs")

    def _open(self, path: Path) -> Network:
        return open_in(self.runtime, path, threads=1)

    def _pixels(self, start: int, count: int) -> object:
        return self.runtime.pixels(images()[start : start + count])

    @contextmanager
    def _folder(self, form: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / ONNX_FILE
            source.write_bytes(deployed_file(form))
            yield source

    @contextmanager
    def _deployed(self, form: str) -> Iterator[Path]:
        """Write the files of the runtime beside an ONNX file.

        Raises:
            SkipTest: If this host cannot run it.
        """
        refusal = _refusal(type(self.runtime))
        if refusal is not None:
            raise SkipTest(refusal)
        with self._folder(form) as source:
            yield write_for(self.runtime, source)


@functools.cache
def _refusal(runtime: type[Runtime]) -> str | None:
    """Say why this host cannot run a runtime."""
    try:
        check_host(runtime())
    except UsageError as error:
        return str(error)
    return None


@functools.cache
def _owners() -> dict[str, list[str]]:
    return dict(packages_distributions())


@contextmanager
def _without(packages: list[str]) -> Iterator[None]:
    """Let imports of these packages fail, as if they were not installed."""
    loaded = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in packages}
    gone: dict[str, ModuleType | None] = dict.fromkeys([*loaded, *packages], None)
    with patch.dict(sys.modules, gone):
        yield


def _apart(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Give the root mean square of the differences, in parts of the spread of what was expected."""
    difference = (found - expected).astype(np.float64)
    return float(np.sqrt((difference**2).mean())) / (float(expected.std()) or 1.0)
