"""What a technique that learns while it compresses asks of the parameters: that training may change them."""

from torch import nn

from automl.errors import InfeasibleError


def check_weights_learn(model: nn.Module, technique: str, kinds: tuple[type[nn.Module], ...]) -> None:
    """Refuse a network with a frozen layer among those that a technique judges by how training moves their weights.

    Raises:
        InfeasibleError: Naming the layer.
    """
    for name, module in model.named_modules():
        if isinstance(module, kinds) and not module.get_parameter("weight").requires_grad:
            raise InfeasibleError(
                f"the weights of {name!r} are frozen, and {technique} judges weights by how training moves them; "
                "choose l1_norm, fpgm or level, or unfreeze them"
            )


def check_some_learn(model: nn.Module, technique: str, instead: str) -> None:
    """Refuse a network in which training may change nothing.

    Raises:
        InfeasibleError: If all parameters are frozen.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InfeasibleError(
            f"all parameters of the network are frozen, and {technique} works while it trains; "
            f"choose {instead}, or unfreeze some"
        )
