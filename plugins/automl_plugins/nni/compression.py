"""Everything that NNI 3.0 needs on today's torch, so that no other module knows it.

NNI is archived. Importing parts of it prints to standard output, warns, and replaces two pytree
registrations that torch.export needs; this module imports it once and undoes that.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.immutable_collections import immutable_dict, immutable_list
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

from automl.technique import StageContext

_IMPORT_WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    (FutureWarning, r"`torch\.utils\._pytree\._register_pytree_node` is deprecated"),
    (UserWarning, r"<class 'torch\.fx\.immutable_collections\.immutable_(dict|list)'> is already registered"),
    (RuntimeWarning, r".* is found to be not a nn\.Module, which is unexpected"),
)


@contextmanager
def _pytree_registrations_kept() -> Iterator[None]:
    tables: tuple[dict[Any, Any], ...] = (pytree.SUPPORTED_NODES, pytree.SUPPORTED_SERIALIZED_TYPES)
    kept = [{kind: table[kind] for kind in (immutable_dict, immutable_list) if kind in table} for table in tables]
    try:
        yield
    finally:
        for table, entries in zip(tables, kept, strict=True):
            table.update(entries)


with warnings.catch_warnings(), _pytree_registrations_kept():
    for _category, _message in _IMPORT_WARNINGS:
        warnings.filterwarnings("ignore", message=_message, category=_category)
    import nni
    from nni.compression.base.apply_method import quant_apply_methods
    from nni.compression.base.setting import PruningSetting, QuantizationSetting
    from nni.compression.distillation import Adaptive1dLayerwiseDistiller, DynamicLayerwiseDistiller
    from nni.compression.pruning import (
        AGPPruner,
        FPGMPruner,
        L1NormPruner,
        L2NormPruner,
        LevelPruner,
        LinearPruner,
        MovementPruner,
        SlimPruner,
        TaylorPruner,
    )
    from nni.compression.quantization import (
        BNNQuantizer,
        DoReFaQuantizer,
        LsqPlusQuantizer,
        LsqQuantizer,
        PtqQuantizer,
        QATQuantizer,
    )
    from nni.compression.utils import Evaluator, TorchEvaluator
    from nni.mutable import MutableExpression
    from nni.nas.nn.pytorch import LayerChoice, ModelSpace, MutableBatchNorm2d, MutableConv2d, MutableLinear, Repeat
nni.silence_stdout()

__all__ = [
    "AGPPruner",
    "Adaptive1dLayerwiseDistiller",
    "BNNQuantizer",
    "DoReFaQuantizer",
    "DynamicLayerwiseDistiller",
    "Evaluator",
    "FPGMPruner",
    "L1NormPruner",
    "L2NormPruner",
    "LayerChoice",
    "LevelPruner",
    "LinearPruner",
    "LsqPlusQuantizer",
    "LsqQuantizer",
    "Masks",
    "ModelSpace",
    "MovementPruner",
    "MutableBatchNorm2d",
    "MutableConv2d",
    "MutableExpression",
    "MutableLinear",
    "PtqQuantizer",
    "QATQuantizer",
    "Refine",
    "Repeat",
    "Scores",
    "SlimPruner",
    "TaylorPruner",
    "calibrating_evaluator",
    "choice",
    "computed_masks",
    "quant_apply_methods",
    "register_activation",
    "register_layer",
    "register_rounding",
    "training_evaluator",
    "unwrap",
]

choice = nni.choice
Masks = dict[str, dict[str, Tensor]]
Scores = Mapping[str, Tensor]
"""Importance of each output channel, by layer: as many numbers as channels."""

Refine = Callable[[Scores, Mapping[str, float], Masks], None]
"""Is told the scores, the sparsity asked of each layer at this moment, and NNI's masks, which it changes in place."""


def training_evaluator(model: nn.Module, context: StageContext, *, learning_rate: float) -> TorchEvaluator:
    """Make the object through which NNI trains a model.

    NNI rebuilds the optimizer for the wrapped model, hooks into its steps and into the loss, and then trains
    through this function, by steps or by epochs.

    Args:
        model: Before NNI wraps it.
        context: Trains.
        learning_rate: Peak of the schedule.
    """

    def train(
        wrapped: nn.Module,
        optimizer: Optimizer,
        training_step: Callable[..., Tensor],
        _scheduler: object,
        max_steps: int | None,
        max_epochs: int | None,
    ) -> None:
        passes = max_epochs or math.ceil((max_steps or 1) / context.steps_per_epoch)  # NNI names one of the two
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'saved_variables' is deprecated", category=DeprecationWarning)
            context.fit(
                wrapped,
                epochs=passes,
                learning_rate=learning_rate,
                max_steps=max_steps,
                optimizer=optimizer,
                loss=lambda module, images, labels: training_step((images, labels), module),
            )

    def training_step(batch: tuple[Tensor, Tensor], module: nn.Module) -> Tensor:
        return context.loss(module, *batch)

    optimizer = nni.trace(torch.optim.AdamW)(model.parameters(), lr=learning_rate)
    return TorchEvaluator(train, optimizer, training_step)


def calibrating_evaluator(model: nn.Module, forward: Callable[[nn.Module], None]) -> TorchEvaluator:
    """Make the object through which NNI runs a model over images, and trains nothing.

    Args:
        model: Before NNI wraps it.
        forward: Runs the wrapped model over the calibration images.
    """
    optimizer = nni.trace(torch.optim.SGD)(model.parameters(), lr=0.0)
    return TorchEvaluator(_train_nothing, optimizer, _train_nothing, evaluating_func=forward)


def _train_nothing(*_: object) -> None:
    """Stand in where NNI asks for a function that it calls and that shall change nothing."""


def computed_masks(pruner: Any, *duration: int | None, refine: Refine | None = None) -> Masks:
    """Let a pruner choose what to mask, training on the way where it does, and unwrap its model.

    Args:
        pruner: An NNI pruner, around its model.
        duration: Steps and epochs, for the pruners that ask for them.
        refine: Changes the masks each time that the pruner makes them.

    Returns:
        Module name to target name to a tensor of zeros and ones, shaped like the target.
    """
    if refine is not None:
        _refine_masks(getattr(pruner, "bound_pruner", pruner), refine)
    try:
        _, masks = pruner.compress(*duration)
    finally:
        unwrap(pruner)
    return dict(masks)


def _refine_masks(pruner: Any, refine: Refine) -> None:
    generate = pruner._generate_sparsity  # noqa: SLF001 # NNI has no other way to see what a pruner scored

    def generate_refined(metrics: dict[str, dict[str, Tensor]]) -> Masks:
        masks: Masks = generate(metrics)
        spaces = pruner._target_spaces  # noqa: SLF001 # the only place where the sparsity of the moment stands
        scores = {name: targets["weight"] for name, targets in metrics.items()}
        refine(scores, {name: spaces[name]["weight"].sparse_ratio or 0.0 for name in scores}, masks)
        return masks

    pruner._generate_sparsity = generate_refined  # noqa: SLF001 # as above


def unwrap(compressor: Any) -> None:
    """Take NNI's wrappers off, together with the ``forward`` attributes that its own unwrapping leaves behind."""
    compressor.unwrap_model()
    for module in compressor.bound_model.modules():
        module.__dict__.pop("forward", None)


def register_activation(module_class: str) -> None:
    """Let NNI quantize the output of modules of this class name."""
    if module_class not in QuantizationSetting.registry:
        QuantizationSetting.register(module_class, QuantizationSetting.activation_setting)


def register_layer(layer: nn.Conv2d | nn.Linear) -> None:
    """Let NNI, which goes by the names of classes, treat a layer of a derived class like torch's own."""
    kind = nn.Conv2d if isinstance(layer, nn.Conv2d) else nn.Linear
    for setting in (PruningSetting, QuantizationSetting):
        setting.registry.setdefault(type(layer).__name__, setting.registry[kind.__name__])


def register_rounding(name: str, rounding: Callable[[Tensor, Any], Tensor]) -> None:
    """Let a quantizer name its own rounding as the ``apply_method`` of a target.

    Args:
        name: Told apart from NNI's own names.
        rounding: From a tensor and its target space to the tensor on its grid.
    """
    quant_apply_methods[name] = rounding
