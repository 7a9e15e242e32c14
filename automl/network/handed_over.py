"""Networks that a user hands over as objects: kept by the hash of what they are, for whoever builds them."""

import copy
import hashlib
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType

import torch
from torch import Tensor, nn

_LIBRARIES = frozenset({"torch", "torchvision", "builtins"})
_PLAIN = (bool, int, float, str, bytes, type(None))

_networks: dict[str, nn.Module] = {}
"""By name and hash; a worker is sent the one of its study."""


def hand_over(network: nn.Module) -> str:
    """Keep a copy of a network under the hash of its structure, its code and its weights.

    Args:
        network: Is left as it is, and may be changed later: the copy is not.

    Returns:
        The name of its class and the beginning of the hash, the same in every process of one version of Python.
    """
    key = f"{type(network).__name__}-{network_sha256(network)[:16]}"
    if key not in _networks:
        _networks[key] = _copied(network).cpu()
    return key


def handed_over(key: str) -> nn.Module | None:
    """Give a new copy of a network that was handed over; None where this process was handed none of this key."""
    network = _networks.get(key)
    return None if network is None else _copied(network)


def networks_among(values: Iterable[object]) -> dict[str, nn.Module]:
    """Give the networks whose keys are among the values of a space: those that a worker must be sent."""
    return {str(value): _networks[value] for value in values if isinstance(value, str) and value in _networks}


def take_over(networks: Mapping[str, nn.Module]) -> None:
    """Keep networks that another process was handed, under the keys that they have there.

    Classes of a program or a notebook come with their networks; they are put where the program has them, so that
    what is made of such a network can be pickled here and read there.
    """
    _networks.update(networks)
    program = sys.modules["__main__"]
    for network in networks.values():
        for each in {each for module in network.modules() for each in type(module).__mro__}:
            if each.__module__ == program.__name__:
                setattr(program, each.__name__, each)


def network_sha256(network: nn.Module) -> str:
    """Hash what a network computes and what of it can be trained: modules, plain attributes, code, weights.

    Code is that of the classes of its modules, those of torch left out, and of the functions beside them that they
    call, as Python compiled it: comments do not count, the version of Python does.
    """
    digest = hashlib.sha256()
    for name, module in network.named_modules():
        digest.update(f"{name} {type(module).__qualname__} {module.extra_repr()}".encode())
        for key, value in sorted(vars(module).items()):
            if isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(isinstance(e, _PLAIN) for e in value)):
                digest.update(f"{key}={value!r}".encode() if key != "training" else b"")
    for function in _functions_of(network):
        digest.update(function.__qualname__.encode())
        _add_code(digest, function.__code__)
    for name, value in network.state_dict().items():
        _add_state(digest, name, value)
    frozen = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    digest.update(repr(frozen).encode())
    return digest.hexdigest()


def _add_state(digest: "hashlib._Hash", name: str, value: object) -> None:
    if not isinstance(value, Tensor) or nn.parameter.is_lazy(value):  # what a module keeps beside its weights
        digest.update(f"{name} {type(value).__qualname__}".encode())
        return
    digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
    digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())


def _functions_of(network: nn.Module) -> Iterator[FunctionType]:
    """List the functions of the network's own classes, and those beside them that they name, each once."""
    classes = {each for module in network.modules() for each in type(module).__mro__}
    own = sorted((each for each in classes if _is_own(each.__module__)), key=lambda each: each.__qualname__)
    left = [value for each in own for _, value in sorted(vars(each).items()) if isinstance(value, FunctionType)]
    seen: set[FunctionType] = set()
    while left:
        function = left.pop(0)
        if function in seen:
            continue
        seen.add(function)
        yield function
        named = (function.__globals__.get(name) for name in function.__code__.co_names)
        left += [each for each in named if isinstance(each, FunctionType) and _is_own(each.__module__)]


def _is_own(module: str) -> bool:
    return module.partition(".")[0] not in _LIBRARIES


def _add_code(digest: "hashlib._Hash", code: CodeType) -> None:
    digest.update(code.co_code + repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_code(digest, constant)
        else:
            digest.update(repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant).encode())


def _copied(network: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(network)
    except RuntimeError:  # torch copies no weight that remembers how it was computed, and pickles it
        content = io.BytesIO()
        torch.save(network, content)
        content.seek(0)
        copied: nn.Module = torch.load(content, weights_only=False)
        return copied
