"""Recognises networks that differ in their widths alone, so that what depends on nothing else is found out once."""

from collections.abc import Hashable

from torch import fx, nn

_WIDTHS = {"in_channels", "out_channels", "num_features", "in_features", "out_features"}
_RECORDS = {"trace_args", "trace_kwargs", "meta", "shape_env"}
"""What NNI's model spaces and traced graphs keep of how they were made, and do not compute with."""

_PLAIN = (bool, int, float, str, type(None))


def skeleton(model: nn.Module) -> Hashable | None:
    """Give networks the same value that differ in nothing but weights, channels and features.

    Such networks have the same graph, as long as their forward passes read nothing but modules, tensors and plain
    attributes; an attribute of another kind is not compared, so there is no value then.

    Args:
        model: A network of any classes.

    Returns:
        None where that cannot be said.
    """
    parts = [_part(name, module) for name, module in model.named_modules()]
    return None if None in parts else tuple(parts)


def _part(name: str, module: nn.Module) -> Hashable | None:
    facts: list[Hashable] = [name, f"{type(module).__module__}.{type(module).__qualname__}", module.training]
    for attribute, value in vars(module).items():
        if attribute.startswith("_") or attribute == "training" or attribute in _WIDTHS | _RECORDS:
            continue
        if attribute == "groups" and isinstance(value, int):
            facts.append((attribute, "depthwise" if value > 1 and value == vars(module).get("in_channels") else value))
        elif _is_plain(value):
            facts.append((attribute, value))
        else:
            return None
    if isinstance(module, fx.GraphModule):
        facts.append(module.code)  # its attributes do not say what it computes
    facts.extend(key for key, _ in module.named_parameters(recurse=False))
    return tuple(facts)


def _is_plain(value: object) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))
