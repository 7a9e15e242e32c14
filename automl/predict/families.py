"""Describes networks before training; of those that differ in widths and bits alone, one goes through the exporter."""

import copy
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import nn

from automl.core.image import ImageShape
from automl.core.quantization import Quantization, WeightQuantization
from automl.core.recipe import Recipe, StageRecipe
from automl.core.stage import Stage
from automl.export.graph_template import GraphTemplate
from automl.export.onnx_writer import GraphSource
from automl.export.operations import Outline, outline
from automl.export.torch_graph import MarkedGraph, torch_graph
from automl.network.skeleton import skeleton
from automl.pipeline.techniques import profile_of, technique_of
from automl.predict.faults import blamed
from automl.predict.structure import Problem, UntrainedNetwork, finished_network, shaped_network
from automl.technique import Quantizer


@dataclass(frozen=True)
class Description:
    """What is known of a network.

    Attributes:
        outline: Of its deployed file.
        parameters: Of the folded network.
    """

    outline: Outline
    parameters: int


@dataclass(frozen=True)
class _Family:
    """What networks of one graph share.

    Attributes:
        template: Their graph.
        tensors: Names of the parameters and buffers that have a shape.
        parameters: Which of them are parameters.
        quantization: Of the first network.
    """

    template: GraphTemplate
    tensors: tuple[str, ...]
    parameters: frozenset[str]
    quantization: Quantization | None


class Families:
    """Describes the networks of recipes for one problem.

    Args:
        problem: What they are for.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._families: dict[Hashable, _Family | None] = {}

    def describe(self, recipe: Recipe) -> Description | None:
        """Describe the network that a recipe deploys; None where a technique does not say what it does to the shape.

        Raises:
            InfeasibleError: If a technique refuses the point.
            TechniqueFaultError: If one raises anything else, or the exporter does on its network.
        """
        shaped = shaped_network(recipe, self._problem)
        if shaped is None:
            return None
        with blamed(next(stage for stage in recipe.stages if stage.stage is Stage.ARCHITECTURE)):
            return self._describe(recipe, shaped)

    def _describe(self, recipe: Recipe, shaped: nn.Module) -> Description | None:
        quantizer = next((stage for stage in recipe.stages if stage.stage is Stage.QUANTIZER), None)
        own = skeleton(shaped)
        key = (own, quantizer.model_dump_json(exclude={"profile"}) if quantizer is not None else None)
        family = self._families.get(key)
        if family is not None:
            return self._describe_relative(family, shaped, quantizer)
        network = finished_network(shaped, recipe, self._problem)
        if network is None:
            return None
        marked: list[MarkedGraph] = []
        found = self._outline(network.model, network.quantization, _remembering(marked))
        if own is not None and key not in self._families:
            self._families[key] = _family_of(network, shaped, quantizer, marked[0])
        return Description(found, sum(parameter.numel() for parameter in network.model.parameters()))

    def _describe_relative(self, family: _Family, shaped: nn.Module, quantizer: StageRecipe | None) -> Description:
        modules = dict(shaped.named_modules())
        shapes = {name: _shape(modules, name) for name in family.tensors}
        groups = {f"{name}.weight": module.groups for name, module in modules.items() if isinstance(module, nn.Conv2d)}
        marked = family.template.resized(shapes, {name: count for name, count in groups.items() if count > 1})
        quantization = family.quantization
        if quantization is not None and quantizer is not None:
            bits = _bits(quantizer, len(quantization.weights))
            weights = {
                name: _made_up(width, shapes[f"{name}.weight"][0], layer)
                for layer, (name, width) in enumerate(zip(quantization.weights, bits, strict=True))
            }
            quantization = replace(quantization, weights=weights)
        found = self._outline(shaped, quantization, _giving(marked))
        return Description(found, sum(prod(shapes[name]) for name in family.parameters))

    def _outline(self, model: nn.Module, quantization: Quantization | None, graph: GraphSource) -> Outline:
        return outline(
            model,
            image_shape=self._problem.image_shape,
            normalization=self._problem.normalization,
            quantization=quantization,
            graph=graph,
        )


def _remembering(kept: list[MarkedGraph]) -> GraphSource:
    """Export as ``torch_graph`` does, and keep a copy of what it gives."""

    def graph(model: nn.Module, image_shape: ImageShape, /, *, marked: Collection[str] = ()) -> MarkedGraph:
        found = torch_graph(model, image_shape, marked=marked)
        kept.append(copy.deepcopy(found))
        return found

    return graph


def _giving(marked: MarkedGraph) -> GraphSource:
    return lambda *_args, **_names: marked


def _family_of(
    network: UntrainedNetwork, shaped: nn.Module, quantizer: StageRecipe | None, marked: MarkedGraph
) -> _Family | None:
    """Give the family of a network; None where its file depends on more than its widths and bits."""
    quantization = network.quantization
    if quantization is not None and quantizer is not None:
        grids = list(quantization.weights.values())
        if [grid.bits for grid in grids] != _bits(quantizer, len(grids)) or any(grid.levels for grid in grids):
            return None
    tensors = {
        name: tuple(tensor.shape)
        for name, tensor in network.model.state_dict().items()
        if tensor.dim() and tensor.is_floating_point()
    }
    modules = dict(shaped.named_modules())
    if any(_shape(modules, name) != shape for name, shape in tensors.items()):
        return None
    if not GraphTemplate.fits(marked, tensors):
        return None
    parameters = frozenset(name for name, _ in network.model.named_parameters())
    return _Family(GraphTemplate(marked, tensors), tuple(tensors), parameters, quantization)


def _bits(quantizer: StageRecipe, layers: int) -> list[int]:
    return technique_of(quantizer, Quantizer).bits(profile_of(quantizer), layers)


def _shape(modules: Mapping[str, nn.Module], name: str) -> tuple[int, ...]:
    """Give the shape that a tensor has once batch normalisation is folded; () where that is not known."""
    module, _, kind = name.rpartition(".")
    weight = getattr(modules.get(module), "weight", None)
    if not isinstance(weight, torch.Tensor):
        return ()
    return tuple(weight.shape) if kind == "weight" else tuple(weight.shape[:1])


def _made_up(bits: int, channels: int, layer: int) -> WeightQuantization:
    """Give scales that no other layer has, since equal ones are stored once."""
    step = (1 + layer / 1000) / (2 ** (bits - 1) - 1)
    return WeightQuantization(bits=bits, scale=tuple(step * (1 + channel / channels) for channel in range(channels)))
