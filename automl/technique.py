"""The whole contract that a plugin author reads: what a technique is, gets and gives back.

A technique is one frozen value: its hyperparameters are annotated fields, its work is one method.
Ship it with one line in your ``pyproject.toml``::

    [project.entry-points."automl.plugins"]
    my_pruner = "my_package:MyPruner"

The method may change the model that it is given: the pipeline hands over a copy. It returns a plain
``nn.Module`` that pickles, with no hooks and no wrappers left. Where a point cannot be built it raises
``automl.errors.InfeasibleError`` before any training, an architecture from ``build`` and the others from ``check``;
any other exception fails the trial, not the search.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

from automl.core.domain import Categorical, Domain, Integer, Real
from automl.core.image import ImageShape
from automl.core.parameter import Condition
from automl.core.profile import Profile
from automl.core.quantization import ActivationQuantization, Quantization, WeightQuantization
from automl.core.stage import Stage
from automl.core.value import Value
from automl.task import Task

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn
    from torch.optim import Optimizer

__all__ = [
    "ActivationQuantization",
    "ActiveIf",
    "Architecture",
    "Categorical",
    "Distiller",
    "Epochs",
    "Fit",
    "ImageShape",
    "Integer",
    "Loss",
    "Once",
    "Profile",
    "Pruner",
    "Quantization",
    "QuantizedModel",
    "Quantizer",
    "Real",
    "Search",
    "Stage",
    "StageContext",
    "Task",
    "Technique",
    "WeightQuantization",
    "Width",
]


@dataclass(frozen=True)
class Search:
    """Annotation of a field: where a space file does not name the field, a search chooses from this domain.

    ``ge`` and ``le`` of the field itself say what is legal; the domain says what is sensible.
    """

    domain: Domain


@dataclass(frozen=True)
class ActiveIf:
    """Annotation of a field: it matters only where another field of the technique has one of these values."""

    field: str
    values: tuple[bool | int | float | str, ...]

    def condition(self, technique: str) -> Condition:
        """State the same between the parameters of a space."""
        return Condition(parameter=f"{technique}.{self.field}", values=self.values)


@dataclass(frozen=True)
class Width:
    """Annotation of an architecture's field: a number of channels, or another measure of how wide its layers are.

    A search tries the network at full and at half width before it proposes points of its own.
    """


@dataclass(frozen=True)
class Epochs:
    """Annotation of a pruner's or quantizer's field: passes over the training split that the technique makes.

    The sum of such fields is what a step is expected to cost, where a sampler prefers points of which much is trained
    already.
    """


class Loss(Protocol):
    """What training lowers."""

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, /) -> Tensor:
        """Give the loss of a batch: images (N, C, H, W), N labels, a scalar back."""
        ...


class Fit(Protocol):
    """Trains a model in place on the training split of the study."""

    def __call__(
        self,
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        """Train for ``epochs`` passes with a one-cycle schedule that peaks at ``learning_rate``.

        Args:
            model: Trained in place, and left in evaluation mode.
            epochs: Passes over the training split.
            learning_rate: Peak of the schedule.
            max_steps: Ends the fit, and its schedule, after so many batches.
            optimizer: Steps in place of the usual one, over the parameters that it holds.
            loss: Is lowered in place of the study's.
        """
        ...


class Once(Protocol):
    """Gives what is expensive and the same for many trials: a teacher, a supernet."""

    def __call__(self, name: str, make: Callable[[], nn.Module]) -> nn.Module:
        """Give what ``make`` gives, made once for the technique and its version, the data, seed and training settings.

        Args:
            name: Tells apart what one technique makes: it holds every hyperparameter that ``make`` depends on.
            make: Builds and trains a network that depends on nothing else. It starts from a random state of
                its own, and the caller's random state stays as it was.

        Returns:
            A network in evaluation mode on the device of the trial, at each call a new one: the caller's to change.
        """
        ...


@dataclass(frozen=True)
class StageContext:
    """What a technique may use.

    Attributes:
        image_shape: Channels, height and width of the input.
        task: What the network is for: how many outputs it gives, and how they are judged.
        seed: Seed of the trial; torch is already seeded with it.
        calibration: Normalised training images, shape (N, C, H, W), float32, on the model's device.
        fit: Trains a model in place.
        loss: What the study's training lowers.
        steps_per_epoch: Batches of one pass over the training split.
        once: Gives what is made once a study and shared by its trials.
    """

    image_shape: ImageShape
    task: Task
    seed: int
    calibration: Tensor
    fit: Fit
    loss: Loss
    steps_per_epoch: int
    once: Once


class QuantizedModel(NamedTuple):
    """A model whose weights lie on their quantization grid, and the grid itself."""

    model: nn.Module
    quantization: Quantization


class Technique(Value, ABC):
    """Base of all plugins; subclass ``Architecture``, ``Pruner``, ``Quantizer`` or ``Distiller`` instead.

    Attributes:
        name: What users write in a space file; lower case, underscores.
        stage: Set by the subclass of the stage.
        version: Raise it when the same fields begin to give another result.
        paper: Authors, title, year.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]
    version: ClassVar[int] = 1
    paper: ClassVar[str] = ""

    def fingerprint(self) -> str:
        """Say what else than the fields decides the result, such as a file that a field names; nothing by default.

        Results are kept and shared by name, version and fields, by the source of the technique's package, and by this.
        """
        return ""

    @classmethod
    def fields_with(cls, annotation: type[object]) -> tuple[str, ...]:
        """Name the fields that bear an annotation of this kind, such as ``Epochs``; not to be overridden."""
        fields = cls.model_fields.items()
        return tuple(name for name, info in fields if any(isinstance(item, annotation) for item in info.metadata))


class Architecture(Technique):
    """Builds an untrained network.

    Attributes:
        answers_in_units: Whether the networks come with outputs in the units of the labels, as those do that somebody
            has trained; the task finishes all others.
    """

    stage: ClassVar[Stage] = Stage.ARCHITECTURE
    answers_in_units: ClassVar[bool] = False

    @abstractmethod
    def build(self, context: StageContext) -> nn.Module:
        """Build a network from images (N, C, H, W), float32, to outputs (N, ``context.task.outputs``)."""

    def built(self, context: StageContext) -> nn.Module:
        """Build a network, finished by the task; not to be overridden."""
        network = self.build(context)
        return network if self.answers_in_units else context.task.finished(network)


class Pruner(Technique):
    """Removes weights from a trained network."""

    stage: ClassVar[Stage] = Stage.PRUNER

    def check(self, model: nn.Module, sparsity: Profile, context: StageContext) -> None:
        """Refuse a network that ``prune`` could not handle, before it is trained; none is refused by default.

        Args:
            model: As built, untrained; yours to change.
            sparsity: What ``prune`` will be given.
            context: What may be used; do not train.

        Raises:
            InfeasibleError: With the reason, which becomes the trial's.
        """

    def shrunk(self, model: nn.Module, sparsity: Profile, context: StageContext) -> nn.Module | None:  # noqa: ARG002
        """Give a network the shape that ``prune`` would leave it, without training; the weights may be any.

        A search reads size and latency off the shape before it spends an epoch. Where this is not overridden,
        the shape is unknown, and points with this pruner are not screened.

        Args:
            model: As built, untrained; yours to change.
            sparsity: What ``prune`` will be given.
            context: What may be used; its ``fit`` does nothing.

        Returns:
            A network of that shape, or None where it is unknown.

        Raises:
            InfeasibleError: If ``prune`` would refuse the network.
        """
        return None

    def asked_channels(self, model: nn.Module, sparsity: Profile, context: StageContext) -> Mapping[str, float]:  # noqa: ARG002
        """Say how many output channels ``prune`` is asked to leave of each layer, before it rounds them.

        The row of a trial shows them beside the channels that the exported network has. Where this is not overridden,
        as by a pruner of single weights, the row says nothing of channels.

        Args:
            model: What ``prune`` will be given; leave it as it is.
            sparsity: What ``prune`` will be given.
            context: What may be used; do not train.

        Returns:
            Channels by the name of the module, in the order of the forward pass; all layers that ``prune`` considers,
            also those that keep all channels.
        """
        return {}

    @abstractmethod
    def prune(self, model: nn.Module, sparsity: Profile, context: StageContext) -> nn.Module:
        """Prune ``model`` and train it back to accuracy.

        Args:
            model: A trained network, yours to change.
            sparsity: Share of the output channels (or weights) to remove, sampled once a group of layers
                that must keep the same channels.
            context: What may be used.
        """


class Quantizer(Technique):
    """Puts the weights and activations of a trained network on integer grids.

    Attributes:
        takes_batch_norm: Whether ``check`` and ``quantize`` are given the network with batch normalisation in place,
            and ``quantize`` folds it (``automl.network.folding``) before it returns.
        may_stay_in_float: Whether layers that would run slower in int8 may lose the grids of their outputs
            (``automl.export.paying``): small networks, and such whose channels are few. Weights keep their grids.
        takes_functions: Whether they are given functions of torch as the network calls them. They are not by default:
            activations, sums, products, concatenations and pools that are written as functions come as modules
            (``automl.network.named_operators``), so that the quantizer can put what they give on grids.
    """

    stage: ClassVar[Stage] = Stage.QUANTIZER
    may_stay_in_float: ClassVar[bool] = False
    takes_batch_norm: ClassVar[bool] = False
    takes_functions: ClassVar[bool] = False

    def prepared(self, model: nn.Module, images: Tensor) -> nn.Module:
        """Copy a network into the form that ``check`` and ``quantize`` take; not to be overridden.

        Args:
            model: A network; it is left as it is.
            images: Normalised, shape (N, C, H, W): folding batch normalisation must not change the answers to them.
        """
        from automl.network.folding import fold_batch_norm
        from automl.network.named_operators import name_operators

        named = model if self.takes_functions else name_operators(model, images).model
        return copy.deepcopy(named).eval() if self.takes_batch_norm else fold_batch_norm(named, images)

    def bits(self, weight_bits: Profile, layers: int) -> list[int]:
        """Say how many bits the weights of each of so many layers will have: by default, those of the profile."""
        return weight_bits.whole_values(layers)

    def check(self, model: nn.Module, weight_bits: Profile, context: StageContext) -> None:
        """Refuse a network that ``quantize`` could not handle, before it is trained; none is refused by default.

        Args:
            model: As built, untrained, with batch normalisation folded unless ``takes_batch_norm``; yours to change.
            weight_bits: What ``quantize`` will be given.
            context: What may be used; do not train.

        Raises:
            InfeasibleError: With the reason, which becomes the trial's.
        """

    def untrained(self, model: nn.Module, weight_bits: Profile, context: StageContext) -> QuantizedModel | None:  # noqa: ARG002
        """Quantize a network as ``quantize`` would, without training; the weights and the scales may be any.

        A search reads size and latency off it before it spends an epoch. Where this is not overridden, they are
        unknown, and points with this quantizer are not screened.

        Args:
            model: Untrained, with batch normalisation folded; yours to change.
            weight_bits: What ``quantize`` will be given.
            context: What may be used; its ``fit`` does nothing.

        Returns:
            The network with the same weights and outputs quantized, to the same bits, or None where that is unknown.

        Raises:
            InfeasibleError: If ``quantize`` would refuse the network.
        """
        return None

    @abstractmethod
    def quantize(self, model: nn.Module, weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Quantize ``model``.

        Args:
            model: A trained network with batch normalisation folded unless ``takes_batch_norm``; yours to change.
            weight_bits: Bits of the weights, 2 to 8, sampled once a convolution or linear layer.
            context: What may be used.
        """


class Distiller(Technique):
    """Trains networks towards the answers of a teacher: a trained network of the same study, usually a larger one.

    It takes the place of ``context.fit`` for the other stages, which know nothing of it.

    Attributes:
        fits: Which training it takes part in: ``train`` that of the architecture, ``compress`` that of pruner and
            quantizer, ``all`` both.
    """

    stage: ClassVar[Stage] = Stage.DISTILLER

    fits: Literal["all", "train", "compress"] = "all"

    def check(self, model: nn.Module, context: StageContext) -> None:
        """Refuse a network that can neither learn nor teach here, before it is trained; none is refused by default.

        Args:
            model: Student or teacher, as built; yours to change.
            context: What may be used; do not train.

        Raises:
            InfeasibleError: With the reason, which becomes the trial's.
        """

    @abstractmethod
    def distill(self, teacher: nn.Module, context: StageContext) -> Fit:
        """Give a fit that trains its model towards ``teacher``.

        Args:
            teacher: Trained, in evaluation mode, on the device of the study; leave it as it is.
            context: What may be used; its ``fit`` knows nothing of the teacher and does the training.

        Returns:
            Called by the other stages as they call ``context.fit``, also with an optimizer or a loss of their own,
            and on a model that wrappers are around. Nothing of it may stay on the model.
        """
