"""A network of the user's own, so that people compress what they already have."""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from automl.errors import InfeasibleError
from automl.technique import Architecture, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class PythonModel(Architecture):
    """Calls a function of yours that returns a network, with its weights where it has been trained.

    The network is trained further on the study's data before it is compressed: choose ``training.epochs`` and
    ``training.learning_rate`` for fine-tuning.

    Attributes:
        target: The function, as MODULE:CALLABLE; it takes no argument.
    """

    name: ClassVar[str] = "python"
    answers_in_units: ClassVar[bool] = True

    target: Annotated[
        str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", examples=["my_package.networks:my_network"])
    ]

    def build(self, context: StageContext) -> "nn.Module":  # noqa: ARG002 # the function knows its own shape
        """Import and call the function; weights in half or double precision become float32.

        Raises:
            InfeasibleError: If there is no such function, or it gives something else than a network.
        """
        return _network(self.target, _function(self.target)).float()

    def fingerprint(self) -> str:
        """Hash the source of the function's module and the weights that it gives: both may change under the same name.

        Raises:
            InfeasibleError: If there is no such function, or it gives something else than a network.
        """
        return _fingerprint(self.target)


@cache
def _fingerprint(target: str) -> str:
    """Hash once a process, which runs the code that it imported whatever happens to the file."""
    import torch

    make = _function(target)  # imported before the seed: an import may draw numbers, once a process
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(0)  # the same weights in every process where the function does not load its own
        model = _network(target, make)
    digest = hashlib.sha256(_ADDRESS.sub("", repr(model)).encode())
    module = import_module(target.partition(":")[0])
    file = getattr(module, "__file__", None)  # what was made in an interpreter, or is a namespace, has none
    if file is not None:
        digest.update(Path(file).read_bytes())
    for name, tensor in model.state_dict().items():
        if not isinstance(tensor, torch.Tensor):  # what a module keeps beside its weights
            digest.update(_ADDRESS.sub("", f"{name} {tensor!r}").encode())
            continue
        if torch.nn.parameter.is_lazy(tensor):
            digest.update(f"{name} lazy".encode())
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _function(target: str) -> "Callable[[], object]":
    from torch import nn

    module_name, _, name = target.partition(":")
    try:
        make = getattr(import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise InfeasibleError(f"model {target!r} cannot be imported: {error}; is it on PYTHONPATH?") from error
    if isinstance(make, nn.Module) or not callable(make):
        raise InfeasibleError(
            f"model {target!r} is a {type(make).__name__}, not a function; write a function that returns the network"
        )
    try:
        with suppress(ValueError):  # what is built into Python may tell no signature
            signature(make).bind()
    except TypeError as error:
        raise InfeasibleError(
            f"model {target!r} cannot be called without arguments: {error}; write a function that takes none"
        ) from error
    function: Callable[[], object] = make
    return function


def _network(target: str, make: "Callable[[], object]") -> "nn.Module":
    from torch import nn

    model = make()
    if not isinstance(model, nn.Module):
        raise InfeasibleError(f"model {target!r} gave a {type(model).__name__}, not a torch.nn.Module")
    return model
