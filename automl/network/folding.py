"""Folds batch normalisation into the layer before it: what is deployed, and therefore quantized, has none."""

import copy

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from automl.errors import UntraceableError
from automl.network.tracing import trace

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Copy a model for inference, each batch normalisation folded into the convolution or linear layer before it.

    Args:
        model: A network that ``torch.fx`` can trace; it is left as it is.

    Returns:
        A copy in evaluation mode that pickles. Modules keep their names. A normalisation stays where it
        does not follow a layer that feeds it alone, where it has no running statistics, or where the model
        cannot be traced.
    """
    copied = copy.deepcopy(model).eval()
    try:
        folded = trace(copied)
    except UntraceableError:
        return copied
    for node in list(folded.graph.nodes):
        _fold_into_input(folded, node)
    folded.graph.lint()
    folded.recompile()
    folded.delete_all_unused_submodules()
    return folded.eval()


def _fold_into_input(model: fx.GraphModule, norm_node: fx.Node) -> None:
    norm = _module_called_once(model, norm_node)
    if not isinstance(norm, _BATCH_NORMS) or norm.running_mean is None:
        return
    layer_node = norm_node.args[0]
    if not isinstance(layer_node, fx.Node) or len(layer_node.users) != 1:
        return
    layer = _module_called_once(model, layer_node)
    fused: nn.Module
    if isinstance(layer, _CONVOLUTIONS) and layer.out_channels == norm.num_features:
        fused = fuse_conv_bn_eval(layer, norm)
    elif isinstance(layer, nn.Linear) and layer.out_features == norm.num_features:
        fused = fuse_linear_bn_eval(layer, norm)
    else:
        return
    fused.requires_grad_()  # torch freezes the new bias of a layer that had none, and a quantizer trains it further
    model.set_submodule(str(layer_node.target), fused)
    norm_node.replace_all_uses_with(layer_node)
    model.graph.erase_node(norm_node)


def _module_called_once(model: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    calls = [other for other in model.graph.nodes if other.op == "call_module" and other.target == node.target]
    return model.get_submodule(str(node.target)) if calls == [node] else None
