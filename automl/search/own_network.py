"""Puts a network of the user's own in the place of those that a space searches."""

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from automl.core.space import SearchSpace
from automl.errors import UsageError
from automl.registry import technique_class

if TYPE_CHECKING:  # torch takes seconds to import, and a function is named without it
    from collections.abc import Callable

    from torch import nn

    Model = str | nn.Module | Callable[[], nn.Module]
    """``MODULE:CALLABLE``, a network, or a function that returns one."""


class OwnNetwork(NamedTuple):
    """A space of one network, and what that network is called."""

    space: SearchSpace
    name: str


def with_model(space: SearchSpace, model: "Model") -> OwnNetwork:
    """Search only how to compress one network.

    Args:
        space: Its pruners, quantizers and distillers stay.
        model: A network is copied, never changed. A function is called here, once, from a fixed seed.

    Raises:
        UsageError: If it is no network, and names or gives none.
    """
    if isinstance(model, str):
        try:
            technique_class("python").model_validate({"target": model})
        except ValidationError:
            raise UsageError(
                f"model {model!r} is not of the form MODULE:CALLABLE, as in my_networks:make_resnet"
            ) from None
        _check_importable(model)
        return OwnNetwork(space.with_architecture("python", {"target": model}), model.partition(":")[2])
    from automl.network.handed_over import hand_over

    network, name = _network(model)
    return OwnNetwork(space.with_architecture("given", {"network": hand_over(network)}), name)


def _check_importable(target: str) -> None:
    """Refuse a function that is not there before a study keeps its name; what it returns, trials say."""
    module, _, name = target.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UsageError(
            f"model {target!r} cannot be imported: {error}; correct the name, or put its folder on PYTHONPATH"
        ) from error
    if not callable(function):
        kind = type(function).__name__
        raise UsageError(f"model {target!r} is a {kind}, not a function; write a function that returns the network")


def _network(model: "nn.Module | Callable[[], nn.Module]") -> "tuple[nn.Module, str]":
    import torch
    from torch import nn

    if isinstance(model, nn.Module):
        return model, type(model).__name__
    name = getattr(model, "__name__", type(model).__name__)
    if not callable(model):
        raise UsageError(
            f"model is a {name}: give a torch.nn.Module, a function that returns one, or a text MODULE:CALLABLE"
        )
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(0)  # the same weights at each call where the function does not load its own
        network: object = model()
    if not isinstance(network, nn.Module):
        raise UsageError(f"model {name} gave a {type(network).__name__}, not a torch.nn.Module")
    return network, name.strip("<>")
