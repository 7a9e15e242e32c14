"""Makes sure that a network takes the images of the study and gives the outputs that its task asks for."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from automl.core.stage import Stage
from automl.errors import InfeasibleError
from automl.network.remembered import forget_graphs, remembers_graph
from automl.task import Task
from automl.technique import StageContext, Technique

_TRAINED_ON = 4
"""Images of one step that is only tried: batch normalisation takes two at least."""


def check_logits(model: nn.Module, technique: Technique, context: StageContext) -> None:
    """Run a network on two images.

    Args:
        model: Is left in evaluation mode.
        technique: What gave the network, named in the error.
        context: Of the study.

    Raises:
        InfeasibleError: If the outputs have another shape than the task's, or an architecture cannot take images of
            this shape at all.
    """
    images, named, called = context.calibration[:2], f"{technique.stage} {technique.name!r}", context.task.called
    try:
        with torch.no_grad():
            answer = model.eval()(images)
    except RuntimeError as error:  # how torch says that shapes do not meet
        if technique.stage is not Stage.ARCHITECTURE:
            raise
        size, reason = " x ".join(map(str, context.image_shape)), str(error).strip().partition("\n")[0]
        raise InfeasibleError(
            f"{named} cannot take images of {size} (channels, height, width): {reason}; "
            "choose one with fewer stages or for as many channels, or larger images"
        ) from error
    if not isinstance(answer, Tensor):
        raise InfeasibleError(
            f"{named} builds a network that gives {_outputs(answer)}, where the {called} alone are asked for; hand "
            f"over a module whose forward returns network(images){_choice(answer, context.task)}"
        )
    shape, expected = tuple(answer.shape), context.task.output_shape(len(images))
    if shape != expected:
        raise InfeasibleError(
            f"after {named} the {called} of two images have the shape {shape}, not {expected}; "
            f"choose another {technique.stage}, or one that fits the data"
        )
    if technique.stage is Stage.ARCHITECTURE and bool(answer.isnan().any()):
        raise InfeasibleError(
            f"{named} builds a network that answers NaN before it is trained; initialise its weights with finite "
            "numbers, and divide by nothing that may be zero"
        )


def check_trains(model: nn.Module, technique: Technique, context: StageContext) -> None:
    """Run a copy of an untrained network as training does: there it may take another way than in evaluation.

    Args:
        model: Is left as it is.
        technique: The architecture that gave the network, named in the error.
        context: Of the study.

    Raises:
        InfeasibleError: If it gives something else than its outputs while it trains, or keeps a tensor of its training
            that forbids copies of it.
    """
    named, called = f"{technique.stage} {technique.name!r}", context.task.called
    copied, images = copy.deepcopy(model).train(), context.calibration[:_TRAINED_ON]
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []), torch.enable_grad():
        answer = copied(images)
    if not isinstance(answer, Tensor):
        raise InfeasibleError(
            f"{named} builds a network that gives {_outputs(answer)} while it trains, where "
            f"the {called} alone are asked for, as in evaluation; hand over a module whose forward returns "
            f"network(images){_choice(answer, context.task)} then, or build it without auxiliary outputs"
        )
    shape, expected = tuple(answer.shape), context.task.output_shape(len(images))
    if shape != expected:
        raise InfeasibleError(
            f"{named} builds a network whose {called} of {len(images)} images have the shape {shape} while it trains, "
            f"not {expected}; let it give the same in training as in evaluation"
        )
    forget_graphs(copied, images)
    keeper = remembers_graph(copied)
    if keeper is not None:
        raise InfeasibleError(
            f"{named} builds a network of which no copy can be made once it trains: "
            f"{keeper} keeps a tensor with its gradients; let it keep tensor.detach()"
        )


def _outputs(answer: object) -> str:
    """Name what a network gives, with the shapes of what it holds."""
    if isinstance(answer, Mapping):
        return f"a {type(answer).__name__} of " + ", ".join(f"{key!r} {_shape(each)}" for key, each in answer.items())
    if isinstance(answer, Sequence):
        return f"a {type(answer).__name__} of " + ", ".join(map(_shape, answer))
    return f"a {type(answer).__name__}"


def _choice(answer: object, task: Task) -> str:
    """Write how to take the first output of the task's shape; the very first where none has it."""
    if not isinstance(answer, Mapping | Sequence) or not answer:
        return "..."
    items = list(answer.items()) if isinstance(answer, Mapping) else list(enumerate(answer))
    fitting = [
        key
        for key, each in items
        if isinstance(each, Tensor) and each.dim() and tuple(each.shape) == task.output_shape(len(each))
    ]
    return f"[{(fitting or [items[0][0]])[0]!r}]"


def _shape(output: object) -> str:
    return str(tuple(output.shape)) if isinstance(output, Tensor) else type(output).__name__
