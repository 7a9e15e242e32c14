"""Turns weights that are computed at each call into plain ones, which can be pruned, quantized, folded and pickled."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from automl.core.fidelity import EXACT
from automl.network.answers import COMPARED_IMAGES, answer_gap, answers

_PARAMETRIZING = parametrizations.weight_norm.__module__


def own_copy(model: nn.Module, images: Tensor) -> nn.Module:
    """Copy a network that somebody else may hold, ready to be trained.

    Lazy modules get their shapes. The hooks of ``torch.nn.utils.weight_norm`` and ``spectral_norm``, which forbid
    copies, become the parametrizations that took their place in torch, which compute the same.

    Args:
        model: Its weights are left as they are.
        images: Normalised, shape (N, C, H, W), on the device of the model.
    """
    if any(_old_hooks(module) for module in model.modules()):
        was_training = model.training
        answers(model, images[:2])  # torch copies no weight that remembers how it was computed: now none does
        model.train(was_training)
    copied = copy.deepcopy(model)
    if any(nn.parameter.is_lazy(tensor) for tensor in (*copied.parameters(), *copied.buffers())):
        answers(copied, images[:2])
    for module in copied.modules():
        for hook in _old_hooks(module):
            _renew(module, hook)
    return copied


def plain_weights(model: nn.Module, images: Tensor) -> nn.Module:
    """Compute the parametrizations of a trained network once: ``weight_norm``, ``spectral_norm`` and the like.

    Args:
        model: A network; it is left as it is.
        images: Normalised, shape (N, C, H, W), on the device of the model: its answers to the first of them must stay.

    Returns:
        A copy in evaluation mode, or the network itself where there is nothing to do or the answers would change.
    """
    if not any(parametrize.is_parametrized(module) for module in model.modules()):
        return model
    images, copied = images[:COMPARED_IMAGES], copy.deepcopy(model).eval()
    expected = answers(copied, images)
    for module in list(copied.modules()):
        if parametrize.is_parametrized(module):
            _compute_once(module)
    return copied if answer_gap(expected, answers(copied, images)) <= EXACT else model


def _compute_once(module: nn.Module) -> None:
    """Do what ``remove_parametrizations`` does, which would also change the class that the network's copies share."""
    parametrizations_of: nn.ModuleDict = module.parametrizations  # type: ignore[assignment] # torch's own attribute
    weights = {
        name: nn.Parameter(getattr(module, name).detach().clone(), any(map(_is_trained, each.parameters())))
        for name, each in parametrizations_of.items()
    }
    module.__class__ = type(module).__bases__[0]  # torch derives one for each parametrized module
    del module._modules["parametrizations"]  # noqa: SLF001 # the property of that name is the class's
    for name, weight in weights.items():
        module.register_parameter(name, weight)
    loading = module._load_state_dict_pre_hooks  # noqa: SLF001 # what reads older files into the parametrization
    for key in [key for key, hook in loading.items() if getattr(hook, "hook", hook).__module__ == _PARAMETRIZING]:
        del loading[key]


def _is_trained(parameter: nn.Parameter) -> bool:
    return parameter.requires_grad


def _old_hooks(module: nn.Module) -> list[WeightNorm | SpectralNorm]:
    """List the hooks with which torch computed weights before it had parametrizations."""
    hooks = module._forward_pre_hooks.values()  # noqa: SLF001 # torch has no other way to ask
    return [hook for hook in hooks if isinstance(hook, WeightNorm | SpectralNorm)]


def _renew(module: nn.Module, hook: WeightNorm | SpectralNorm) -> None:
    if isinstance(hook, WeightNorm):
        nn.utils.remove_weight_norm(module, hook.name)
        parametrizations.weight_norm(module, hook.name, dim=hook.dim)
        return
    left, right = getattr(module, f"{hook.name}_u"), getattr(module, f"{hook.name}_v")
    original = getattr(module, f"{hook.name}_orig")
    nn.utils.remove_spectral_norm(module, hook.name)
    with torch.no_grad():
        module.get_parameter(hook.name).copy_(original)
    parametrizations.spectral_norm(module, hook.name, hook.n_power_iterations, hook.eps, hook.dim)
    # What the estimate of the largest singular value goes on from:
    module.get_buffer(f"parametrizations.{hook.name}.0._u").copy_(left)
    module.get_buffer(f"parametrizations.{hook.name}.0._v").copy_(right)
