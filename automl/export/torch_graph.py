"""Turns a torch model into an ONNX graph in which the outputs of chosen modules can be found again.

The exporter names nodes by scope, which is ambiguous for traced models and for modules that run twice.
So each chosen module marks its own output with a node ``Mark``, which the caller takes out again.
"""

import copy
import io
import os
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from automl.core.image import ImageShape
from automl.errors import InfeasibleError
from automl.export.exact_operators import exact_operators
from automl.export.subgraphs import every_node
from automl.export.tidied import tidy
from automl.runtime import LOGITS

NORMALISED = "normalised"

_MARK = "Mark"
_MARK_DOMAIN = "automl"
_OPSET = 20
_STANDARD_OUTPUT = 1

_DEPRECATIONS = (
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed",
)


class MarkedGraph(NamedTuple):
    """A float32 graph from ``normalised`` (n, C, H, W) to ``logits`` (n, classes).

    Attributes:
        model: The graph.
        modules: Names of the marked modules, by the tensor that is their output.
    """

    model: onnx.ModelProto
    modules: dict[str, list[str]]


def torch_graph(model: nn.Module, image_shape: ImageShape, *, marked: Collection[str] = ()) -> MarkedGraph:
    """Export a model in float32.

    Args:
        model: The network; it is left as it is.
        image_shape: Shape of one image.
        marked: Names of the modules whose outputs are to be found.

    Raises:
        InfeasibleError: A marked module does not exist, or never runs; or the network answers at random.
    """
    copied = copy.deepcopy(model).cpu().eval()
    named = dict(copied.named_modules())
    for name in marked:
        if name not in named:
            raise _not_in_graph(name)
        named[name].register_forward_hook(_marker(name))
    for module in named.values():
        if hasattr(module, "inplace"):
            module.inplace = False  # a mark must see what the module returned, not what came after
        if isinstance(module, nn.Linear) and module.bias is None:
            module.bias = nn.Parameter(torch.zeros(module.out_features))  # without one it is exported as MatMul
    domains = {_MARK_DOMAIN: 1} if marked else {}
    exported = _export(copied, torch.zeros(2, *image_shape), domains)
    if not exported.graph.input:
        raise InfeasibleError(
            "the answer of the network does not depend on the image, as far as torch sees: nothing reads its argument, "
            "or it is computed outside of torch"
        )
    modules = _take_out_marks(exported.graph)
    tidy(exported.graph)
    found = {name for names in modules.values() for name in names}
    for name in marked:
        if name not in found:
            raise _not_in_graph(name)
    _drop_zero_biases(exported.graph)
    return MarkedGraph(exported, modules)


def _take_out_marks(graph: onnx.GraphProto) -> dict[str, list[str]]:
    sources: dict[str, str] = {}
    modules: dict[str, list[str]] = {}
    for mark in [node for node in graph.node if node.op_type == _MARK]:
        source = sources.get(mark.input[0], mark.input[0])
        sources[mark.output[0]] = source
        modules.setdefault(source, []).append(mark.attribute[0].s.decode())
        graph.node.remove(mark)
    last = sources.get(LOGITS)
    names = {tensor: LOGITS if source == last else source for tensor, source in sources.items()}
    if last is not None:
        names[last] = LOGITS
    for node in every_node(graph):
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return {names.get(tensor, tensor): found for tensor, found in modules.items()}


def _drop_zero_biases(graph: onnx.GraphProto) -> None:
    zeros = {tensor.name for tensor in graph.initializer if not numpy_helper.to_array(tensor).any()}
    for node in graph.node:
        if node.op_type in {"Conv", "Gemm"} and len(node.input) == 3 and node.input[2] in zeros:
            del node.input[2]


class _MarkFunction(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, value: Tensor, _module: str) -> Tensor:  # noqa: ANN401 - torch passes its own context
        return value.clone()

    @staticmethod
    def symbolic(graph: Any, value: Any, module: str) -> Any:  # noqa: ANN401 - torch has no public types for these
        return graph.op(f"{_MARK_DOMAIN}::{_MARK}", value, module_s=module).setType(value.type())


def _marker(name: str) -> Any:  # noqa: ANN401 - a hook, whose type torch does not export
    def mark(_module: nn.Module, _args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        marked: Tensor = _MarkFunction.apply(output, name)
        return marked

    return mark


def _export(model: nn.Module, images: Tensor, domains: dict[str, int]) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(),
        torch.no_grad(),
        _attention_in_parts(),
        exact_operators(_OPSET),
        _standard_output_kept(),
    ):
        for message in _DEPRECATIONS:
            warnings.filterwarnings("ignore", message=message, category=DeprecationWarning)
        for category in (TracerWarning, UserWarning):  # the file's own answers are compared with the model's
            warnings.simplefilter("ignore", category)
        torch.onnx.export(
            model,
            (images,),
            buffer,  # type: ignore[arg-type]  # this exporter takes files, its annotation is of the other one
            dynamo=False,  # 10 times faster than its successor
            opset_version=_OPSET,
            input_names=[NORMALISED],
            output_names=[LOGITS],
            dynamic_axes={NORMALISED: {0: "n"}, LOGITS: {0: "n"}},
            custom_opsets=domains,
        )
    exported = onnx.load_from_string(buffer.getvalue())
    for opset in [opset for opset in exported.opset_import if opset.domain]:
        exported.opset_import.remove(opset)
    return exported


@contextmanager
def _standard_output_kept() -> Iterator[None]:
    """Keep standard output to those who asked for it: where an export fails, torch prints its whole graph there."""
    sys.stdout.flush()
    kept = os.dup(_STANDARD_OUTPUT)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 # of a device
            os.dup2(nowhere.fileno(), _STANDARD_OUTPUT)
            yield
            sys.stdout.flush()
    finally:
        os.dup2(kept, _STANDARD_OUTPUT)
        os.close(kept)


@contextmanager
def _attention_in_parts() -> Iterator[None]:
    """Let attention run as the operators that it consists of: the exporter knows no fused one."""
    was_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fused)


def _not_in_graph(name: str) -> InfeasibleError:
    return InfeasibleError(
        f"The quantization names the module {name!r}, which the network does not run: "
        "quantize only modules that the forward pass calls, after batch normalisation is folded"
    )
