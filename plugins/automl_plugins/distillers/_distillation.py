"""From NNI's distillers to a fit that any stage can call, also with an optimizer and a loss of its own.

NNI can wrap no module twice, and a pruner or quantizer may have wrapped the student already. So NNI never sees the
networks, only pairs of identities, through which the answers of student and teacher are led.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from automl.errors import InfeasibleError
from automl.technique import Fit, Loss, StageContext
from automl_plugins.nni.compression import Evaluator

_NNI_TEMPERATURE = 2.0
"""NNI divides logits by this before it compares them with ``kl``, and multiplies that loss by its square."""

_LossPatch = Callable[[Tensor, Tensor], Tensor]
"""From the loss on the labels, and a batch of images, to the loss with the teacher in it."""


@dataclass(frozen=True)
class Lesson:
    """What is compared between student and teacher, and how much it counts.

    Attributes:
        distiller: Class of NNI.
        weight: Share of the teacher in the loss; the labels have the rest.
        logits_loss: ``kl`` or ``mse``.
        temperature: Divides the logits for ``kl``, whose loss is multiplied by its square.
        features_weight: Of the mean squared difference of what the classifiers read; None where that is not compared.
    """

    distiller: Any
    weight: float
    logits_loss: str = "kl"
    temperature: float = _NNI_TEMPERATURE
    features_weight: float | None = None

    @property
    def logits_factor(self) -> float:
        """What logits are multiplied by, so that NNI compares them at this temperature."""
        return _NNI_TEMPERATURE / self.temperature if self.logits_loss == "kl" else 1.0

    def config(self) -> list[dict[str, Any]]:
        """Say the same in NNI's words; it takes floats only."""
        scale = float(self.weight / self.logits_factor**2)
        entries: list[dict[str, Any]] = [{"op_names": ["logits"], "lambda": scale, "apply_method": self.logits_loss}]
        if self.features_weight is not None:
            scale = float(self.weight * self.features_weight)
            entries.append({"op_names": ["features"], "lambda": scale, "apply_method": "mse"})
        return entries


def distilling_fit(lesson: Lesson, teacher: nn.Module, context: StageContext) -> Fit:
    """Give a fit that trains its model towards ``teacher``, and leaves nothing on either.

    Outputs that are no logits are compared by their mean squared difference, whatever the lesson says (Ba and Caruana,
    Do Deep Nets Really Need to be Deep?, 2014, compare numbers so).
    """
    if context.task.distance == "mse":
        lesson = replace(lesson, logits_loss="mse")

    def fit(
        model: nn.Module,
        *,
        epochs: int,
        learning_rate: float,
        max_steps: int | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | None = None,
    ) -> None:
        label_loss = loss or context.loss
        compares_features = lesson.features_weight is not None
        student, master = (
            _Watched(
                network,
                lambda outputs: context.task.scaled(outputs) * lesson.logits_factor,
                classifier(network, context.task.outputs) if compares_features else None,
            )
            for network in (model, teacher)
        )

        def train(patch: _LossPatch, adapters: list[nn.Parameter]) -> None:
            def learn(_learner: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
                own = label_loss(model, images, labels)
                student.show_answers()
                return patch(own, images)

            with student.watched(), master.watched(), _also_stepping(optimizer, adapters):
                context.fit(
                    _Learner(model, adapters),
                    epochs=epochs,
                    learning_rate=learning_rate,
                    max_steps=max_steps,
                    optimizer=optimizer,
                    loss=learn,
                )

        def teach(images: Tensor, _taps: nn.Module) -> None:
            teacher(images)
            master.show_answers()

        device = context.calibration.device
        distiller = lesson.distiller(
            student.taps, lesson.config(), _LentTraining(train), master.taps, teach, 1.0 - lesson.weight
        )
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(context.seed)  # NNI draws the adapters between features of different widths
            student.show_widths(context.task.outputs, device)
            master.show_widths(context.task.outputs, device)
            distiller.compress(max_steps, epochs)

    return fit


def classifier(network: nn.Module, classes: int) -> nn.Linear:
    """Find the linear layer that a network ends with.

    Raises:
        InfeasibleError: If there is none, so that no features can be compared.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear) and layer.out_features == classes]
    if not layers:
        raise InfeasibleError(
            f"{type(network).__name__} ends with no linear layer of {classes} outputs whose inputs could be compared; "
            "choose dynamic_layerwise, which compares logits only"
        )
    return layers[-1]


def check_features(network: nn.Module, context: StageContext) -> None:
    """Refuse a network whose classifier does not read one vector an image.

    Raises:
        InfeasibleError: With the shape that it reads.
    """
    shapes: list[tuple[int, ...]] = []
    layer, images = classifier(network, context.task.outputs), context.calibration[:2]
    handle = layer.register_forward_pre_hook(lambda _layer, inputs: shapes.append(tuple(inputs[0].shape)))
    try:
        with torch.no_grad():
            network.eval()(images)
    finally:
        handle.remove()
    if shapes != [(len(images), layer.in_features)]:
        raise InfeasibleError(
            f"the classifier of {type(network).__name__} reads {shapes or 'nothing'} for {len(images)} images, "
            "not one vector an image; choose dynamic_layerwise, which compares logits only"
        )


class _Taps(nn.Module):
    """The only modules that NNI wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Identity()
        self.features = nn.Identity()


@dataclass
class _Watched:
    """A network of which NNI is shown the latest answers."""

    network: nn.Module
    scaled: Callable[[Tensor], Tensor]
    classifier: nn.Linear | None
    taps: _Taps = field(default_factory=_Taps)
    seen: dict[str, Tensor] = field(default_factory=dict)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the answers of each forward pass, until the end."""
        handles = [self.network.register_forward_hook(self._keep_logits)]
        if self.classifier is not None:
            handles.append(self.classifier.register_forward_pre_hook(self._keep_features))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self.seen.clear()

    def show_answers(self) -> None:
        self.taps.logits(self.scaled(self.seen["logits"]))
        if self.classifier is not None:
            self.taps.features(self.seen["features"])

    def show_widths(self, classes: int, device: torch.device) -> None:
        """Stand in for NNI's ``track_forward``: a pass of the student would start the scales of a quantizer."""
        self.taps.logits(torch.zeros(1, classes, device=device))
        if self.classifier is not None:
            self.taps.features(torch.zeros(1, self.classifier.in_features, device=device))

    def _keep_logits(self, _network: nn.Module, _images: tuple[Tensor, ...], logits: Tensor) -> None:
        self.seen["logits"] = logits

    def _keep_features(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.seen["features"] = inputs[0]


class _Learner(nn.Module):
    """The student and the adapters beside it, for an optimizer that takes what the model has."""

    def __init__(self, student: nn.Module, adapters: list[nn.Parameter]) -> None:
        super().__init__()
        self.student = student
        self.adapters = nn.ParameterList(adapters)


class _LentTraining(Evaluator):  # type: ignore[misc] # NNI has no types
    """Lets NNI's distillers train as the stage does that called: with its optimizer, its loss and its steps.

    NNI's own evaluator would rebuild the optimizer from the model, which the stage may have patched.
    """

    _initialization_complete = True

    def __init__(self, train: Callable[[_LossPatch, list[nn.Parameter]], None]) -> None:
        self._train = train
        self._adapters: list[nn.Parameter] = []
        self._patch: _LossPatch | None = None

    def bind_model(self, model: nn.Module, param_names_map: dict[str, str] | None = None) -> None: ...

    def unbind_model(self) -> None: ...

    def patch_optim_param_group(self, module_name_param_dict: dict[str, list[nn.Parameter]]) -> None:
        self._adapters = [parameter for parameters in module_name_param_dict.values() for parameter in parameters]

    def patch_loss(self, patch: _LossPatch) -> None:
        self._patch = patch

    def train(self, max_steps: int | None, max_epochs: int | None) -> None:  # noqa: ARG002 # the stage has said so
        if self._patch is not None:
            self._train(self._patch, self._adapters)


@contextmanager
def _also_stepping(optimizer: Optimizer | None, adapters: list[nn.Parameter]) -> Iterator[None]:
    """Let the optimizer of the caller train the adapters, too, as long as they are there."""
    if optimizer is None or not adapters:
        yield
        return
    groups = len(optimizer.param_groups)
    optimizer.add_param_group({"params": adapters})
    try:
        yield
    finally:
        del optimizer.param_groups[groups:]
        for adapter in adapters:
            optimizer.state.pop(adapter, None)
